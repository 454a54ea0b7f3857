"""A copied disk is cleaned once; a kill at any point, or a damaged file, changes nothing about that."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from guestagent.agent.divergence import Divergence
from guestagent.agent.instance_identity import DiskOrigin
from guestagent.agent.journal import Journal
from guestagent.database.state import Account
from guestagent.errors import NotReady, StorageError
from guestagent.retry import FakeClock
from tests.support.copied_disk import (
    AUTO_OPTIONS,
    DIVERGENCE,
    MACHINE_ID,
    OPTION_FILE,
    PASSWORD,
    GuestDisk,
    settle_and_die,
)
from tests.support.journals import corrupt_journal

INSTANCE_FILE = "var/lib/guestagent/instance.json"
ID_FILE = "var/lib/cloud/data/instance-id"


def read_divergences(disk: GuestDisk) -> frozenset[Divergence]:
    return Journal(disk.settings.state_folder / "journal.json", FakeClock()).state.divergences


def test_nothing_of_the_origin_stays_on_a_copied_disk(clone: GuestDisk) -> None:
    record = clone.check.settle_identity()

    assert record is not None
    assert (record.instance_id, record.origin) == ("clone", "origin")
    assert clone.list_secret_files() == []
    assert {path.name for path in clone.settings.state_folder.iterdir()} == {
        *(
            "configuration.json",
            "instance.json",
            "instance.lock",
            "journal.json",
            "journal-copy.json",
            "signal.lock",
        )
    }


def test_a_copied_disk_keeps_the_documents_of_its_own_instance(clone: GuestDisk) -> None:
    clone.check.settle_identity()

    assert clone.read("var/lib/heat-cfntools/cfn-init-data") == "its own document"
    assert clone.read("var/lib/cloud/data/cfn-init-data") == "its own document"
    assert clone.read("var/lib/cloud/instance/user-data.txt").count("its own document") == 1


def test_a_copied_disk_gets_a_machine_id_and_a_server_uuid_of_its_own(clone: GuestDisk) -> None:
    clone.check.settle_identity()

    assert len(clone.read("etc/machine-id")) == len(MACHINE_ID)
    assert clone.read("etc/machine-id") != MACHINE_ID
    assert clone.read("var/lib/dbus/machine-id") == clone.read("etc/machine-id")
    assert not (clone.root / "var/lib/mysql/auto.cnf").exists()


def test_the_option_file_of_a_copied_disk_has_no_id_of_another_server(clone: GuestDisk) -> None:
    clone.check.settle_identity()

    assert clone.read(OPTION_FILE) == "[mysqld]\n# why\nserver_id = 1\nread_only = ON\n"


def test_a_copied_disk_keeps_what_the_journal_knows_about_the_data(clone: GuestDisk) -> None:
    clone.check.settle_identity()

    state = Journal(clone.settings.state_folder / "journal.json", FakeClock()).state
    assert state.divergences == {DIVERGENCE}
    assert state.accounts == {Account("slave0000", "%")}
    assert (state.task, state.channel) == ("", None)


def test_a_copied_disk_keeps_a_journal_that_cannot_be_read(clone: GuestDisk) -> None:
    corrupt_journal(clone.settings.state_folder)

    clone.check.settle_identity()

    assert Journal(clone.settings.state_folder / "journal.json", FakeClock()).loss


@pytest.mark.parametrize("file", ["user-data.txt", "user-data.txt.i"])
def test_a_configuration_that_user_data_has_written_stays(
    origin: GuestDisk, tmp_path: Path, file: str
) -> None:
    """User data ran before the clean-up: it was killed at the first boot, for example."""
    clone = origin.copy(tmp_path / "clone")
    clone.boot("clone")
    config = "[DEFAULT]\npolling_interval = 7\n[cfn]\npath = the.Clone\n# a comment\nsecret_access_key = its/key+=\n"
    clone.write(f"var/lib/cloud/instance/{file}", f"#!/bin/sh\ncat >/etc/x <<'E'\n{config}E\n")
    clone.write("etc/os-collect-config.conf", config)
    clone.set_times(-3600)

    clone.check.settle_identity()

    assert clone.read("etc/os-collect-config.conf") == config


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_the_times_of_files_prove_nothing(origin: GuestDisk, tmp_path: Path, seconds: float) -> None:
    """The clocks of the two instances differ by an hour."""
    origin.set_times(seconds)
    clone = origin.copy(tmp_path / "clone")
    clone.boot("clone")
    clone.write("var/lib/cloud/instance/user-data.txt", "#!/bin/sh\n")

    clone.check.settle_identity()

    assert clone.list_secret_files() == []
    assert "[cfn]" not in clone.read("etc/os-collect-config.conf")


def test_own_documents_stay_whatever_their_times(clone: GuestDisk) -> None:
    clone.set_times(-3600)

    clone.check.settle_identity()

    assert clone.read("var/lib/heat-cfntools/cfn-init-data") == "its own document"
    assert clone.list_secret_files() == []


def test_mysql_forgets_the_persisted_server_id_of_the_origin_alone(clone: GuestDisk) -> None:
    path = clone.root / "var/lib/mysql/mysqld-auto.cnf"
    owner = path.stat().st_uid

    clone.check.settle_identity()

    del (expected := {**AUTO_OPTIONS})["mysql_static_variables"]
    assert json.loads(path.read_text()) == expected
    assert (path.stat().st_mode & 0o777, path.stat().st_uid) == (0o640, owner)


def test_a_configuration_without_credentials_stays(origin: GuestDisk, tmp_path: Path) -> None:
    origin.write("etc/os-collect-config.conf", "[DEFAULT]\ncollectors = ec2\n")
    clone = origin.copy(tmp_path / "clone")
    clone.boot("clone")

    clone.check.settle_identity()

    assert clone.read("etc/os-collect-config.conf") == "[DEFAULT]\ncollectors = ec2\n"


def test_the_semaphores_of_other_instances_stay(clone: GuestDisk) -> None:
    clone.check.settle_identity()

    assert [path.name for path in (clone.root / "var/lib/cloud/instances/origin").iterdir()] == ["sem"]


def test_a_clone_without_user_data_has_no_document(origin: GuestDisk, tmp_path: Path) -> None:
    clone = origin.copy(tmp_path / "clone")
    clone.boot("clone")

    clone.check.settle_identity()

    assert clone.list_secret_files() == []
    assert list((clone.root / "var/lib/heat-cfntools").iterdir()) == []


def test_files_whose_modes_change_at_boot_are_still_the_origins(clone: GuestDisk) -> None:
    for path in (clone.root / "var/lib/cloud/data").glob("cfn-*"):
        path.chmod(0o600)

    clone.check.settle_identity()

    assert clone.list_secret_files() == []


def test_a_copy_of_a_copy_is_cleaned_again(clone: GuestDisk, tmp_path: Path) -> None:
    clone.check.settle_identity()
    clone.work()
    second = clone.copy(tmp_path / "second")
    second.boot("second")

    record = second.check.settle_identity()

    assert record is not None
    assert record.origin == "clone"
    assert second.list_secret_files() == []


@pytest.mark.parametrize("boots_again", [False, True])
def test_a_kill_at_any_point_is_made_up_for(origin: GuestDisk, tmp_path: Path, boots_again: bool) -> None:
    boundary, is_killed = 0, True
    while is_killed:
        clone = origin.copy(tmp_path / f"clone {boundary}")
        clone.boot("clone", init_data="its own document")
        is_killed = settle_and_die(clone, boundary)
        if boots_again:
            clone.write(ID_FILE, "clone\n")

        clone.check.settle_identity()

        assert clone.list_secret_files() == []
        assert clone.read("etc/machine-id") != MACHINE_ID
        assert clone.read("var/lib/heat-cfntools/cfn-init-data") == "its own document"
        assert read_divergences(clone) == {DIVERGENCE}
        assert clone.check.find_origin() is DiskOrigin.OWN
        boundary += 1
    assert boundary > 20


def test_a_file_that_cannot_be_removed_leaves_the_disk_a_copy(clone: GuestDisk) -> None:
    shutil.rmtree(clone.root / "var/lib/mysql")
    (clone.root / "var/lib/mysql/auto.cnf/x").mkdir(parents=True)

    with pytest.raises(StorageError, match=r"auto\.cnf"):
        clone.check.settle_identity()

    assert clone.check.find_origin() is DiskOrigin.COPY


def test_a_mysql_server_that_has_started_is_restarted_for_its_uuid(clone: GuestDisk) -> None:
    restarts: list[bool] = []

    clone.check.settle_identity(lambda: restarts.append((clone.root / "var/lib/mysql/auto.cnf").exists()))

    assert restarts == [False]


def test_a_mariadb_server_is_not_restarted(clone: GuestDisk) -> None:
    (clone.root / "var/lib/mysql/mysql.ibd").unlink()
    restarts: list[bool] = []

    clone.check.settle_identity(lambda: restarts.append(True))

    assert restarts == []


def test_only_an_own_disk_may_be_used(origin: GuestDisk, clone: GuestDisk) -> None:
    origin.check.require_own_disk()
    with pytest.raises(NotReady, match="a copy of another instance's"):
        clone.check.require_own_disk()


def test_the_origin_of_the_fixture_has_secrets(origin: GuestDisk) -> None:
    assert len(origin.list_secret_files()) >= 10
    assert PASSWORD in origin.read("var/lib/heat-cfntools/cfn-init-data")
