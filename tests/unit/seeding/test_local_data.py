"""Which local data a seed may replace."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.errors import SeedError
from guestagent.secret import Secret
from guestagent.seeding import DonorEndpoint, SeedMethod, SeedRequest
from guestagent.seeding.local_data import check_replaceable, has_running_server, list_schemas, measure_folder
from guestagent.seeding.seed_folder import SeedFolder, find_seed_folder, write_marker

REQUEST = SeedRequest(
    "a1", SeedMethod.BACKUP, "mariadb", "Replica0001", "/s", "/data", DonorEndpoint("h", 1, "u", Secret("p"))
)
LOCK_PROGRAM = """
import fcntl, sys
file = open(sys.argv[1], "r+")
fcntl.lockf(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> SeedFolder:
    """The data directory of an installation, with an empty schema."""
    for name in (
        "mysql",
        "sys",
        "performance_schema",
        "lost+found",
        "#innodb_temp",
        "guestagent-seed-a1",
        "test",
    ):
        (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "data/mysql/user.frm").touch()
    (tmp_path / "data/test/db.opt").touch()
    return find_seed_folder(str(tmp_path / "data"), "a1")


def add_table(folder: SeedFolder) -> None:
    (folder.target / "shop").mkdir()
    (folder.target / "shop/orders.ibd").write_bytes(bytes(5000))


def test_an_empty_server_may_be_replaced(folder: SeedFolder) -> None:
    check_replaceable(REQUEST, folder)

    assert list_schemas(folder.target) == ()


def test_data_are_not_replaced_and_named(folder: SeedFolder) -> None:
    add_table(folder)

    with pytest.raises(SeedError, match=r"already holds data \(shop\)") as failure:
        check_replaceable(REQUEST, folder)

    assert not failure.value.is_transient


def test_data_are_replaced_if_that_was_asked_for(folder: SeedFolder) -> None:
    add_table(folder)

    check_replaceable(replace(REQUEST, replaces_data=True), folder)


def test_the_seeds_own_data_are_replaced_and_no_other_seeds(folder: SeedFolder) -> None:
    add_table(folder)
    write_marker(folder.target, "a1")

    check_replaceable(REQUEST, folder)

    with pytest.raises(SeedError):
        check_replaceable(replace(REQUEST, id="b2"), folder)


def test_the_size_of_a_folder_is_that_on_the_disk(folder: SeedFolder) -> None:
    before = measure_folder(folder.target)
    add_table(folder)

    assert measure_folder(folder.target) - before >= 5000


def test_a_server_that_has_locked_its_data_is_noticed(folder: SeedFolder) -> None:
    (folder.target / "ibdata1").touch()
    program = subprocess.Popen(
        [sys.executable, "-c", LOCK_PROGRAM, folder.target / "ibdata1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with program:
        assert program.stdout is not None
        program.stdout.readline()

        assert has_running_server(folder.target)
        program.communicate()

    assert not has_running_server(folder.target)
