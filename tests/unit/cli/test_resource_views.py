"""What `guestagent resources` shows, and with which exit code."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from guestagent.cli.resource_commands.view_tables import format_findings
from guestagent.cli.resource_commands.view_verbs import settle_findings
from guestagent.errors import CloudUnreachable
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orders import RenewInstance
from guestagent.resources.store.records import ClusterSnapshot
from guestagent.resources.views import (
    AuditFinding,
    FindingKind,
    GroupView,
    InstanceState,
    InstanceView,
    PreflightFinding,
)
from guestagent.retry import FakeClock
from tests.support.orders import build_order
from tests.support.resource_commands import ResourceCommands
from tests.unit.resources.clusters import CLIENTS, MEMBERS

SOURCE = InstanceView(
    cluster="shop",
    name="Master0000",
    role="source",
    state=InstanceState.READY,
    addresses=("10.0.0.5",),
    flavor="m1.small",
    wanted_flavor="m1.small",
    volume_gib=10,
    wanted_volume_gib=10,
    proved_generation=1,
)
GROWING = InstanceView(
    cluster="shop",
    name="Slave0000",
    role="replica",
    state=InstanceState.GROWING,
    detail="Cinder extends the volume",
    flavor="m1.small",
    wanted_flavor="m1.small",
    volume_gib=10,
    wanted_volume_gib=20,
    generation=2,
    proved_generation=1,
    drift=("its port has another group",),
)


@pytest.fixture
def commands() -> ResourceCommands:
    commands = ResourceCommands()
    commands.make_cluster()
    commands.engine.instances = (SOURCE,)
    return commands


def test_a_cluster_that_is_ready_is_shown_with_exit_code_0(commands: ResourceCommands) -> None:
    assert commands.run("show", "shop") == 0


def test_what_is_not_as_it_is_wanted_stands_behind_an_arrow(
    commands: ResourceCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.engine.instances = (SOURCE, GROWING)
    commands.engine.groups = (
        GroupView(cluster="shop", name="database", wanted_rules=(CLIENTS,), rules=(MEMBERS,)),
        GroupView(cluster="shop", name="web"),
    )
    commands.manager.submit(build_order(RenewInstance, request_id="renew", instance="Slave0000"))

    code = commands.run("show", "shop")

    assert code == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "shop (engine fake)",
        "",
        "instance    role     state    addresses  flavor    GiB       generation  detail",
        "Master0000  source   ready    10.0.0.5   m1.small  10        1           -",
    ]
    assert lines[4] == (
        "Slave0000   replica  growing  -          m1.small  10 -> 20  1 -> 2      "
        "Cinder extends the volume; drift: its port has another group"
    )
    assert [line.split() for line in lines[6:10]] == [
        ["group", "rule", "state"],
        ["database", CLIENTS.key, "missing"],
        ["database", MEMBERS.key, "not", "wanted"],
        ["web", "-", "no", "rules"],
    ]
    assert "renew_instance  accepted" in lines[12]


def test_a_cluster_that_is_not_there_is_a_refusal(
    commands: ResourceCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run("show", "other") == 12

    assert capsys.readouterr().err == "guestagent: not_found: there is no cluster other\n"


def test_a_cloud_that_does_not_answer_is_a_refusal(
    commands: ResourceCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.engine.reader_error = CloudUnreachable("Nova does not answer")

    assert commands.run("show", "shop") == 12

    assert capsys.readouterr().err == "guestagent: cloud_unreachable: Nova does not answer\n"


def test_the_list_has_every_cluster(commands: ResourceCommands, capsys: pytest.CaptureFixture[str]) -> None:
    commands.manager.submit(build_order(RenewInstance, request_id="renew", instance="Slave0000"))

    assert commands.run("list") == 0

    assert capsys.readouterr().out == "cluster  engine  waiting\nshop     fake    1\n"


def test_a_preflight_without_findings_is_exit_code_0(
    commands: ResourceCommands, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text("{replicas: 1}")
    assert commands.run("preflight", "-f", str(file)) == 0

    commands.engine.problems = (PreflightFinding(RefusalCode.QUOTA, "cores: 3 are left, and 4 are needed"),)
    assert commands.run("preflight", "-f", str(file)) == 5
    assert commands.run("preflight", "shop", "-f", str(file)) == 5

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "nothing is missing"
    assert lines[2] == "quota  cores: 3 are left, and 4 are needed"
    assert lines[4] == "exists  cluster shop exists"


def test_an_audit_shows_how_to_delete_what_holds_no_data(
    commands: ResourceCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run("audit") == 0
    orphan = AuditFinding(
        id="fake-1",
        kind=FindingKind.ORPHAN,
        resource="port",
        cloud_id="p1",
        cluster="shop",
        text="a port that nothing wants",
        is_cleanable=True,
    )
    volume = AuditFinding(
        id="fake-2",
        kind=FindingKind.KEPT_VOLUME,
        resource="volume",
        cloud_id="v1",
        cluster="shop",
        is_cleanable=True,
    )
    commands.engine.findings = (orphan, volume)

    assert commands.run("audit") == 1

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "nothing was found"
    assert lines[-2:] == ["To delete what holds no data:", "  guestagent resources clean shop fake-1"]


def build_finding(finding_id: str, kind: FindingKind) -> AuditFinding:
    return AuditFinding(
        id=finding_id, kind=kind, resource="port", cloud_id=f"port-{finding_id}", cluster="shop"
    )


def test_an_audit_that_waits_looks_until_its_first_findings_are_settled(commands: ResourceCommands) -> None:
    unsettled, orphan = FindingKind.UNSETTLED, FindingKind.ORPHAN
    first = [build_finding("a", unsettled), build_finding("b", unsettled)]
    looks = [
        [build_finding("a", unsettled), build_finding("new", unsettled)],
        [build_finding("a", orphan), build_finding("new", unsettled)],
    ]
    last, clock = tuple(looks[-1]), FakeClock()

    def audit(clusters: Sequence[ClusterSnapshot]) -> Sequence[AuditFinding]:
        return looks.pop(0)

    commands.engine.audit = audit  # type: ignore[method-assign]

    assert tuple(settle_findings(commands.manager, first, clock, math.inf)) == last
    assert clock.slept == [20.0, 20.0]


def test_an_audit_waits_for_no_longer_than_its_timeout(commands: ResourceCommands) -> None:
    first = [build_finding("a", FindingKind.UNSETTLED)]
    commands.engine.findings, clock = tuple(first), FakeClock()

    settle_findings(commands.manager, first, clock, 50)

    assert clock.slept == [20.0, 20.0, 10.0]


def test_an_audit_says_how_to_look_again(
    commands: ResourceCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.engine.findings = (build_finding("a", FindingKind.UNSETTLED),)

    assert commands.run("audit", "--timeout", "5") == 2
    assert commands.run("audit") == 1

    assert capsys.readouterr().out.endswith(
        "For the second look at what is unsettled: guestagent resources audit --wait\n"
    )


def test_the_owner_is_shown_with_its_evidence(
    commands: ResourceCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run("owner", "shop") == 0
    assert commands.run("owner", "other") == 12

    printed, reported = capsys.readouterr()
    assert printed.startswith("shop belongs to engine fake\n  the store has it")
    assert reported.startswith("guestagent: unknown_owner: nothing shows who owns cluster other")


@pytest.mark.parametrize("question", ["events", "operations"])
def test_the_history_of_a_cluster_that_never_was_is_a_refusal(
    commands: ResourceCommands, question: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run(question, "other") == 12

    assert capsys.readouterr().err == "guestagent: not_found: there is no cluster other\n"


def test_a_cluster_without_events_is_no_refusal(
    commands: ResourceCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run("events", "shop") == 0

    assert capsys.readouterr().out == "there are no events of shop\n"


def test_a_preflight_names_the_file_of_an_invalid_description(
    commands: ResourceCommands, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text("{replica: 1}")
    message = "description.replica: expected one of replicas, found an unknown key"
    path = "description.replica"
    commands.engine.problems = (PreflightFinding(RefusalCode.INVALID, message, path),)

    assert commands.run("preflight", "-f", str(file)) == 5
    printed = capsys.readouterr().out
    assert commands.run("preflight", "-f", str(file), "--json") == 5
    answer = json.loads(capsys.readouterr().out)

    assert f"{file}: replica: expected one of replicas" in printed
    assert [each["path"] for each in answer["findings"]] == [path]


def test_capabilities_name_the_engine_and_its_orders(
    commands: ResourceCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run("capabilities") == 0

    printed = capsys.readouterr().out
    assert printed.startswith("engine fake\n  orders for fake  add_instance, ")
    assert "migrate_instance" not in printed


def test_the_schema_is_one(commands: ResourceCommands, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run("schema") == 0

    schema = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(schema)
    assert {"create_cluster", "preflight", "wait"} <= schema["$defs"].keys()


def test_a_command_to_copy_names_no_volume_and_runs_nothing_else() -> None:
    port = replace(build_finding("a", FindingKind.ORPHAN), cluster="$(reboot)", is_cleanable=True)
    twin = replace(build_finding("b", FindingKind.TWIN), resource="volume", is_cleanable=True)

    lines = format_findings([port, twin]).splitlines()

    assert lines[-1] == "  guestagent resources clean '$(reboot)' a"
