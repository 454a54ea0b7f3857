"""The preflight and the launch by the command line, on the embedded cloud: the choice is shown, passwords never are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from guestagent.embedded import Serving, serving
from guestagent.embedded.openstack.neutron.network import SUBNET_ID
from tests.support.cluster_commands import ClusterCommands, write_clouds_yaml
from tests.support.signalling_guests import SignallingHypervisor

pytestmark = pytest.mark.timeout(900)

BASE = "flavor: m1.small\nimage: guestagent-mariadb\nreplicas: 1\n"
PASSWORDS = {"Master0000": "s3cret-of-the-source", "Slave0000": "s3cret-of-the-first"}


@pytest.fixture
def cloud() -> Iterator[Serving]:
    with serving(SignallingHypervisor()) as served:
        yield served


@pytest.fixture
def commands(tmp_path: Path, cloud: Serving) -> ClusterCommands:
    write_clouds_yaml(tmp_path, cloud)
    (tmp_path / "prod.yaml").write_text(BASE)
    return ClusterCommands(tmp_path)


def write_passwords(folder: Path, name: str, passwords: dict[str, str], mode: int = 0o600) -> None:
    (folder / name).write_text(yaml.safe_dump(passwords))
    (folder / name).chmod(mode)


def test_the_preflight_shows_its_choice_and_what_it_rests_on(commands: ClusterCommands) -> None:
    code, table, _ = commands.run("preflight", "prod.yaml")

    assert code == 0
    assert table.splitlines()[0] == (
        "dialect   hot: Heat has all that it needs, and no policy prevents nodes from reading their metadata"
    )
    assert "template  12 of 1000 resources, " in table
    assert "caution   Keystone's auth_ttl cannot be read: 900 s is assumed" in table


def test_the_preflight_needs_no_file_and_answers_in_json(commands: ClusterCommands, cloud: Serving) -> None:
    code, answer, _ = commands.run("preflight", "--json")

    report = json.loads(answer)
    assert (code, report["dialect"], report["missing"], report["template"]) == (0, "hot", [], None)
    assert report["endpoints"]["cloudformation"] == f"{cloud.cfn_url}/v1/"


def test_missing_requirements_have_their_own_exit_code(commands: ClusterCommands) -> None:
    code, table, _ = commands.run("preflight", "prod.yaml", "--dialect", "cfn")

    assert code == 5
    assert (
        "missing   a subnet or a network (from 2.37 on Nova makes no AWS::EC2::Instance without one)" in table
    )


def test_a_creation_shows_its_dialect_and_the_reason(commands: ClusterCommands) -> None:
    code, _, err = commands.run("create", "prod.yaml", "--no-wait")

    assert code == 0
    assert err.splitlines()[0].startswith("in hot: Heat has all that it needs")


def test_cfn_without_a_place_is_refused_before_anything_is_launched(commands: ClusterCommands) -> None:
    code, _, err = commands.run("create", "prod.yaml", "--dialect", "cfn")

    assert code == 2
    assert "prod.yaml: subnet: expected a subnet, or a network, in cfn, found neither" in err
    assert "there is no stack prod" in commands.run("status", "prod")[2]


@pytest.mark.parametrize("dialect", ["hot", pytest.param("cfn", marks=pytest.mark.patient)])
def test_given_passwords_are_kept_by_every_change_and_shown_by_nothing(
    commands: ClusterCommands, cloud: Serving, dialect: str
) -> None:
    engine: Any = cloud.cloud
    place = f"subnet: {SUBNET_ID}\npasswords: {{file: secrets.yaml}}\n"
    (commands.folder / "prod.yaml").write_text(BASE + place)
    write_passwords(commands.folder, "secrets.yaml", PASSWORDS)
    write_passwords(commands.folder, "more.yaml", {"Slave0001": "s3cret-of-the-second"})

    outputs = [
        commands.run("template", "prod.yaml", "--dialect", dialect),
        commands.run("create", "prod.yaml", "--dialect", dialect, "--json"),
        commands.run("add-replica", "prod", "--passwords", "more.yaml", "--json"),
        commands.run("remove-replica", "prod", "Slave0000"),
        commands.run("add-replica", "prod"),
        commands.run("status", "prod", "--json"),
    ]

    assert [code for code, _, _ in outputs] == [0] * len(outputs), outputs
    assert "s3cret" not in json.dumps(outputs)
    assert "PRIVATE KEY" not in json.dumps(outputs)
    [stack] = engine.engine.stacks.values()
    passwords = dict(stack.input_parameters)
    assert passwords.pop("Master0000Password") == "s3cret-of-the-source"
    assert passwords.pop("Slave0001Password") == "s3cret-of-the-second"
    assert "PRIVATE KEY" in str(passwords.pop("DonorKey"))
    assert {name: len(str(value)) for name, value in passwords.items()} == {
        "Slave0002Password": 30,
        "Slave0002DonorPassword": 30,
    }
    assert "s3cret" not in json.dumps(stack.template.source)


@pytest.mark.parametrize(
    ("passwords", "mode", "message"),
    [
        (
            PASSWORDS,
            0o640,
            "secrets.yaml: expected a file that its owner alone can read, found mode 0640 (chmod 600",
        ),
        (
            {"Master0000": "s3cret" * 6, "Slave0000": "x"},
            0o600,
            "secrets.yaml: Master0000: expected at most 32 characters, found 36",
        ),
        (
            {"Master0000": "s3cret"},
            0o600,
            "passwords.Slave0000: expected a password for this new node, found none",
        ),
    ],
)
def test_a_file_of_passwords_that_will_not_do_is_refused_without_a_word_of_it(
    commands: ClusterCommands, passwords: dict[str, str], mode: int, message: str
) -> None:
    (commands.folder / "prod.yaml").write_text(f"{BASE}passwords: {{file: secrets.yaml}}\n")
    write_passwords(commands.folder, "secrets.yaml", passwords, mode)

    code, answer, err = commands.run("create", "prod.yaml", "--json")

    assert code == 2
    assert message in err
    assert "s3cret" not in answer + err
