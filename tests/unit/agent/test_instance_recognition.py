"""How the agent recognises a copied disk, and that the disk of the same server is none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from guestagent.agent.instance_identity import DiskOrigin
from guestagent.errors import NotReady, StorageError
from guestagent.unreadable_file import list_quarantined_files
from tests.support.copied_disk import (
    MACHINE_ID,
    GuestDisk,
)

INSTANCE_FILE = "var/lib/guestagent/instance.json"
ID_FILE = "var/lib/cloud/data/instance-id"


def test_a_disk_that_was_copied_before_it_had_a_record_is_a_copy(origin: GuestDisk, tmp_path: Path) -> None:
    (origin.root / INSTANCE_FILE).unlink()
    clone = origin.copy(tmp_path / "clone")
    clone.boot("clone", init_data="its own document")

    record = clone.check.settle_identity()

    assert record is not None
    assert (record.instance_id, record.origin) == ("clone", "origin")
    assert clone.list_secret_files() == []
    assert clone.read("etc/machine-id") != MACHINE_ID


def test_a_disk_that_was_copied_before_it_had_a_record_may_not_be_used(origin: GuestDisk) -> None:
    (origin.root / INSTANCE_FILE).unlink()
    origin.boot("clone")

    with pytest.raises(NotReady, match="a copy of another instance's"):
        origin.check.require_own_disk()


def test_a_server_without_a_record_whose_datasource_has_changed_is_no_clone(tmp_path: Path) -> None:
    disk = GuestDisk(tmp_path / "disk")
    for name in ("iid-datasource-none", "i-0000002a"):
        disk.boot(name)

    disk.boot("5a9f7e1c-0b5e-4c1f-9a57-3e2d8c6b4f10", ec2_id="i-0000002a")

    assert disk.check.find_origin() is DiskOrigin.NEW


@pytest.mark.parametrize("ids", [("origin",), ("iid-datasource-none",)])
def test_the_same_instance_keeps_its_files(origin: GuestDisk, ids: tuple[str, ...]) -> None:
    """A reboot, a resize, a migration, a rebuild; or a boot in which cloud-init finds no metadata."""
    origin.boot(*ids)
    files = origin.read_all()

    origin.check.settle_identity()

    assert origin.read_all() == files


def test_a_guest_without_cloud_init_is_never_a_clone(origin: GuestDisk) -> None:
    shutil.rmtree(origin.root / "var/lib/cloud")
    shutil.rmtree(origin.root / "run/cloud-init")
    files = origin.read_all()

    origin.check.settle_identity()

    assert origin.read_all() == files


def test_an_upgraded_guest_without_a_record_is_no_clone(origin: GuestDisk) -> None:
    (origin.root / INSTANCE_FILE).unlink()
    files = origin.read_all()

    record = origin.check.settle_identity()

    assert record is not None
    assert (record.instance_id, record.origin) == ("origin", "")
    assert origin.read_all() == {**files, INSTANCE_FILE: (origin.root / INSTANCE_FILE).read_bytes()}


def test_a_server_whose_datasource_changes_is_no_clone(tmp_path: Path) -> None:
    disk = GuestDisk(tmp_path / "disk")
    disk.boot("5a9f7e1c-0b5e-4c1f-9a57-3e2d8c6b4f10", ec2_id="i-0000002a")
    disk.check.settle_identity()
    disk.work()

    disk.boot("i-0000002a")

    assert disk.check.find_origin() is DiskOrigin.OWN


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"two\nlines"])
def test_an_unreadable_instance_id_is_read_from_another_place(origin: GuestDisk, content: bytes) -> None:
    origin.boot("clone")
    (origin.root / ID_FILE).write_bytes(content)

    assert origin.check.find_origin() is DiskOrigin.COPY


def test_without_a_readable_instance_id_nothing_is_changed(origin: GuestDisk) -> None:
    (origin.root / ID_FILE).write_bytes(b"")
    (origin.root / "run/cloud-init/.instance-id").write_bytes(b"")
    (origin.root / "var/lib/cloud/instance").unlink()
    files = origin.read_all()

    with pytest.raises(StorageError, match="the instance id cannot be read"):
        origin.check.settle_identity()

    assert origin.read_all() == files


@pytest.mark.parametrize("content", [b"", b"{", b'{"version": 1, "instance_id": ""}', b'{"version": 2}'])
def test_a_damaged_record_is_kept_and_replaced(origin: GuestDisk, content: bytes) -> None:
    (origin.root / INSTANCE_FILE).write_bytes(content)

    record = origin.check.settle_identity()

    assert record is not None
    assert (record.instance_id, record.origin) == ("origin", "")
    assert "instance.json" in {
        path.name.partition(".")[0] + ".json" for path in list_quarantined_files(origin.settings.state_folder)
    }
    assert json.loads(origin.read(INSTANCE_FILE))["instance_id"] == "origin"
