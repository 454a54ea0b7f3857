"""Cloned data in the place of the old ones, and back again if the server does not start on them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from guestagent.errors import SeedError
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from guestagent.seeding import DonorEndpoint, SeedFiles, SeedMethod, SeedRequest, SeedState
from guestagent.seeding.clone_replacement import let_server_pass, put_in_place
from guestagent.seeding.fake import FakeServerControl
from guestagent.seeding.protocols import SeedReporter
from guestagent.seeding.reporter import FileReporter
from guestagent.seeding.seed_folder import SeedFolder, find_seed_folder, read_marker

DONOR = DonorEndpoint("10.0.0.7", 3306, "donor0001", Secret("s3cret"))
REQUEST = SeedRequest("a1", SeedMethod.CLONE, "mysql", "Replica0001", "/run/x.sock", "/data", DONOR)


class ServerWithoutStart(FakeServerControl):
    """A server that does not start on the new data."""

    def start(self, reporter: SeedReporter) -> None:
        super().start(reporter)
        if self.commands == ["stop", "start"]:
            raise SeedError("it does not answer")


@pytest.fixture
def folder(tmp_path: Path) -> SeedFolder:
    """A data directory with an identity of its own, and cloned data beside it."""
    data = tmp_path / "data"
    data.mkdir()
    for name in ("ibdata1", "auto.cnf", "server-key.pem"):
        (data / name).write_text("old")
    folder = find_seed_folder(str(data), "a1")
    folder.create_fresh("a1")
    (folder.fresh / "ibdata1").write_text("new")
    return folder


@pytest.fixture
def reporter(tmp_path: Path) -> FileReporter:
    files = SeedFiles(tmp_path / "state")
    files.write_request(REQUEST)
    return FileReporter(
        SeedState("a1", SeedMethod.CLONE, "/data"), REQUEST, files, FakeClock(), lambda: False
    )


def test_the_new_data_are_in_place_with_the_servers_identity(
    folder: SeedFolder, reporter: FileReporter
) -> None:
    server = FakeServerControl()

    put_in_place(folder, reporter, server)

    assert server.commands == ["stop", "start"]
    assert (folder.target / "ibdata1").read_text() == "new"
    assert (folder.target / "auto.cnf").read_text() == "old"
    assert (folder.target / "server-key.pem").read_text() == "old"
    assert read_marker(folder.target) == "a1"


def test_a_replacement_that_is_done_only_starts_the_server(
    folder: SeedFolder, reporter: FileReporter
) -> None:
    put_in_place(folder, reporter, FakeServerControl())
    server = FakeServerControl()

    put_in_place(folder, reporter, server)

    assert server.commands == ["start"]


def test_the_old_data_come_back_if_the_server_does_not_start(
    folder: SeedFolder, reporter: FileReporter
) -> None:
    server = ServerWithoutStart()

    with pytest.raises(SeedError, match="it does not answer"):
        put_in_place(folder, reporter, server)

    assert server.commands == ["stop", "start", "stop", "start"]
    assert (folder.target / "ibdata1").read_text() == "old"
    assert read_marker(folder.target) == ""


def test_the_server_may_enter_a_private_volume_only_meanwhile(folder: SeedFolder) -> None:
    parent = folder.path.parent
    parent.chmod(0o700)

    with let_server_pass(folder):
        meanwhile = stat.S_IMODE(parent.stat().st_mode)

    assert (meanwhile, stat.S_IMODE(parent.stat().st_mode)) == (0o701, 0o700)
