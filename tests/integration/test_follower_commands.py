"""`guestagent cluster admit`, `create` with an external source, and `revoke`, in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded import Serving, serving
from tests.support.cluster_commands import ClusterCommands, write_clouds_yaml
from tests.support.signalling_guests import SignallingHypervisor

pytestmark = pytest.mark.timeout(900)

SHOP = "flavor: m1.small\nimage: guestagent-mariadb\nreplicas: 1\n"
REPORTS = (
    "flavor: m1.small\nimage: guestagent-mariadb\nreplicas: 2\npasswords: {file: shared.yaml}\n"
    "source: {external: {address: 10.9.0.5, account: follower_reports}}\n"
)
PASSWORD = "s3cret-of-both"


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[ClusterCommands]:
    with serving(SignallingHypervisor()) as cloud:
        yield prepare_folder(tmp_path, cloud)


def prepare_folder(folder: Path, cloud: Serving) -> ClusterCommands:
    write_clouds_yaml(folder, cloud)
    (folder / "shop.yaml").write_text(SHOP)
    (folder / "reports.yaml").write_text(REPORTS)
    (folder / "shared.yaml").touch(0o600)
    (folder / "shared.yaml").write_text(f"follower_reports: {PASSWORD}\n")
    return ClusterCommands(folder)


def test_a_cluster_is_admitted_follows_and_is_revoked(commands: ClusterCommands) -> None:
    outputs = [
        commands.run(*words.split())
        for words in (
            "create shop.yaml",
            "admit shop reports 10.2.0.0/24 --passwords shared.yaml",
            "create reports.yaml",
            "add-replica reports",
            "remove-replica reports Slave0000",
            "status reports",
            "delete reports --yes",
            "revoke shop reports",
        )
    ]

    assert [code for code, _, _ in outputs] == [0] * len(outputs), outputs
    assert "the account of reports is follower_reports" in outputs[1][2]
    assert PASSWORD not in str(outputs)


def test_what_a_cluster_that_follows_cannot_do_is_refused(commands: ClusterCommands) -> None:
    assert commands.run("create", "reports.yaml")[0] == 0

    for words in ("rotate reports", "repair reports Slave0000 --reseed --yes"):
        code, _, err = commands.run(*words.split())

        assert code == 2
        assert "source: expected a node of this cluster, found an external source" in err


def test_a_file_that_others_can_read_admits_nobody(commands: ClusterCommands) -> None:
    assert commands.run("create", "shop.yaml")[0] == 0
    (commands.folder / "shared.yaml").chmod(0o644)

    code, _, err = commands.run("admit", "shop", "reports", "10.2.0.0/24", "--passwords", "shared.yaml")

    assert code == 2
    assert PASSWORD not in err
