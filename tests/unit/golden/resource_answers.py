"""Golden answers of `resources`, from a resource manager in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from guestagent.errors import Problem
from guestagent.resources.operation import Operation, OperationState, OrderRefusal, RefusalCode
from guestagent.resources.orders import CreateSecurityGroup, RenewInstance
from guestagent.resources.rpc.answers import build_schema
from guestagent.resources.views import (
    AuditFinding,
    FindingKind,
    GroupView,
    InstanceState,
    InstanceView,
    PreflightFinding,
)
from tests.support.orders import build_order
from tests.support.resource_commands import ResourceCommands, connect_to_manager
from tests.unit.golden.command_line import ERROR_PROSE, answer_command
from tests.unit.golden.golden_file import add_golden, golden, hide_prose, to_json
from tests.unit.resources.clusters import CLIENTS, MEMBERS

PROSE = (*ERROR_PROSE, "step", "waiting_for", "attention", "detail", "text", "drift", "evidence")
ORDERS: dict[str, Sequence[str]] = {
    "create": ["other", "-f", "{folder}/cluster.yaml"],
    "delete": ["shop", "--volumes", "keep", "--yes"],
    "add-instance": ["shop", "--flavor", "m1.small", "--image", "guestagent-mariadb", "--volume-size", "20"],
    "delete-instance": ["shop", "Slave0000", "--volume", "delete", "--yes"],
    "replace-instance": ["shop", "Slave0000"],
    "resize-instance": ["shop", "Slave0000", "--flavor", "m1.large"],
    "restart-instance": ["shop", "Slave0000", "--hard"],
    "resize-volume": ["shop", "Slave0000", "--size", "20"],
    "create-group": ["shop", "web", "--rules", "network=192.0.2.0/24,port_min=443"],
    "delete-group": ["shop", "extra"],
    "add-rules": ["shop", "database", "network=198.51.100.0/24,port_min=3306"],
    "delete-rules": ["shop", "database", CLIENTS.key],
    "update-rule": ["shop", "database", "--cidr", "192.0.2.0/24", "--to", "198.51.100.0/24"],
    "renew-instance": ["shop", "Slave0000"],
    "admit": ["shop", "reports", "--network", "10.1.0.0/24"],
    "rotate-passwords": ["shop"],
    "clean": ["shop", "fake-0123456789abcdef", "--yes"],
}
"""The words of each verb that gives an order."""
UNSUPPORTED: dict[str, Sequence[str]] = {
    "migrate-instance": ["shop", "Slave0000"],
    "register": ["shop"],
    "unregister": ["shop"],
}
"""The same for those that the engine does not carry out."""
SOURCE = InstanceView(
    cluster="shop",
    name="Master0000",
    role="source",
    state=InstanceState.READY,
    server_id="s1",
    volume_id="v1",
    port_id="p1",
    addresses=("10.0.0.5",),
    flavor="m1.small",
    wanted_flavor="m1.small",
    volume_gib=10,
    wanted_volume_gib=10,
    guest_volume_gib=9.7,
    proved_generation=1,
    evidence={"role": "source"},
)
FINDING = AuditFinding(
    id="fake-1",
    kind=FindingKind.ORPHAN,
    resource="port",
    cloud_id="p9",
    cluster="shop",
    instance="Slave0007",
    text="a port that nothing wants",
    is_cleanable=True,
)
GROUP = GroupView(cluster="shop", name="database", id="g1", wanted_rules=(CLIENTS, MEMBERS), rules=(MEMBERS,))


def open_commands() -> ResourceCommands:
    """Return commands for a cluster `shop` with one replica and two groups, of which the cloud shows everything."""
    commands = ResourceCommands()
    commands.make_cluster()
    commands.engine.instances = (SOURCE, replace(SOURCE, name="Slave0000", state=InstanceState.BUILDING))
    commands.engine.groups = (GROUP,)
    commands.engine.findings = (FINDING,)
    extra = commands.manager.submit(
        build_order(CreateSecurityGroup, request_id="create-extra", group="extra")
    )
    commands.manager.wait(extra.id, extra.sequence, 0)
    return commands


def answer(words: Sequence[str], folder: Path, commands: ResourceCommands | None = None) -> str:
    commands = open_commands() if commands is None else commands
    (folder / "cluster.yaml").write_text("{replicas: 1}")
    with connect_to_manager(commands.manager):
        return answer_command(["resources", *(word.format(folder=folder) for word in words)], folder, PROSE)


def give_order(commands: ResourceCommands) -> Operation:
    return commands.manager.submit(build_order(RenewInstance, request_id="renew", instance="Slave0000"))


def build_failed(words: Sequence[str], folder: Path) -> str:
    commands = open_commands()
    problem = Problem("flavor", "a flavor", "none")
    refusal = OrderRefusal(RefusalCode.QUOTA, "cores", (problem,), "reference")
    failed = replace(
        give_order(commands), state=OperationState.FAILED, started_at=1.0, ended_at=2.0, refusal=refusal
    )
    commands.write("shop", failed)
    return answer([*words, failed.id], folder, commands)


def build_stalled(words: Sequence[str], folder: Path) -> str:
    commands = open_commands()
    operation = give_order(commands)
    commands.write(
        "shop",
        replace(operation, state=OperationState.RUNNING, started_at=1.0, step="a step", attention="look"),
    )
    return answer([*words, operation.id], folder, commands)


def build_accepted(words: Sequence[str], folder: Path) -> str:
    commands = open_commands()
    operation = give_order(commands)
    return answer([*words, operation.id], folder, commands)


def build_refused_preflight(folder: Path) -> str:
    commands = open_commands()
    commands.engine.problems = (PreflightFinding(RefusalCode.QUOTA, "cores: 3 are left, and 4 are needed"),)
    return answer(["preflight", "-f", "{folder}/cluster.yaml"], folder, commands)


def add_order_answers() -> None:
    for verb, words in ORDERS.items():
        given = [verb, *words, "--request-id", "request"]
        add_golden(f"answers/resources-{verb}/accepted.json", partial(answer, given))
    wait = ["renew-instance", "shop", "Slave0000", "--request-id", "request", "--wait"]
    add_golden("answers/resources-renew-instance/waited.json", partial(answer, wait))
    for verb, words in UNSUPPORTED.items():
        given = [verb, *words, "--request-id", "request"]
        add_golden(f"answers/resources-{verb}/unsupported.json", partial(answer, given))
    revoke = ["revoke", "shop", "reports", "--request-id", "request"]
    add_golden("answers/resources-revoke/refused.json", partial(answer, revoke))


def add_operation_answers() -> None:
    for verb in ("operation", "wait"):
        add_golden(f"answers/resources-{verb}/failed.json", partial(build_failed, [verb]))
        add_golden(f"answers/resources-{verb}/stalled.json", partial(build_stalled, [verb]))
    add_golden("answers/resources-operation/accepted.json", partial(build_accepted, ["operation"]))
    add_golden("answers/resources-wait/done.json", partial(build_accepted, ["wait"]))
    add_golden("answers/resources-cancel/accepted.json", partial(build_accepted, ["cancel"]))
    add_golden("answers/resources-cancel/waited.json", partial(build_accepted, ["cancel", "--wait"]))
    add_golden("answers/resources-retry/accepted.json", partial(build_stalled, ["retry"]))
    add_golden("answers/resources-operations/some.json", partial(answer, ["operations", "shop"]))


def add_view_answers() -> None:
    for verb in ("list", "audit", "capabilities"):
        add_golden(f"answers/resources-{verb}/some.json", partial(answer, [verb]))
    for verb in ("show", "events", "owner"):
        add_golden(f"answers/resources-{verb}/some.json", partial(answer, [verb, "shop"]))
    fine = ["preflight", "-f", "{folder}/cluster.yaml"]
    add_golden("answers/resources-preflight/fine.json", partial(answer, fine))
    add_golden("answers/resources-preflight/missing.json", build_refused_preflight)
    add_golden("answers/resources-owner/unknown.json", partial(answer, ["owner", "other"]))


@golden("contract/resources_schema.json")
def build_requests_schema(folder: Path) -> str:
    """Build the JSON Schema of the requests without its sentences for people."""
    return to_json(hide_prose(build_schema(), ("description", "title", "$comment")))


add_order_answers()
add_operation_answers()
add_view_answers()
