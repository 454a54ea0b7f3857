"""A data directory on a volume whose content a seed was replacing when the machine went down."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from guestagent.seeding.data_swap import DataSwap
from guestagent.seeding.seed_folder import SeedFolder, find_seed_folder
from guestagent.seeding.swap_journal import SwapStage
from tests.support.volume_host import DATA_FILES, VolumeHost, read_data

SEED_ID = "a1"
NEW_FILES = {"ibdata1": b"new pages", "mysql/db.frm": b"new", "shop/orders.ibd": b"rows"}


class PowerCut(Exception):
    """The machine goes down before a change of the disk."""


def cut_power_before(change: int) -> Callable[[], None]:
    """Return what lets the changes before this one happen."""
    changes = iter(range(change + 1))

    def count() -> None:
        if next(changes) == change:
            raise PowerCut

    return count


@pytest.fixture
def folder(host: VolumeHost, image: Path) -> SeedFolder:
    """The folder of a seed with whole new data, on a host whose data are on their volume."""
    host.declare()
    host.attach(image)
    host.set_up()
    folder = find_folder(host)
    folder.create_fresh(SEED_ID)
    for name, content in NEW_FILES.items():
        path = folder.fresh / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return folder


def find_folder(host: VolumeHost) -> SeedFolder:
    return find_seed_folder(str(host.paths.data), SEED_ID)


def boot(host: VolumeHost) -> SeedFolder:
    """Boot the machine anew, and find the seed's folder again."""
    host.reboot()
    host.set_up()
    assert host.is_on_volume()
    return find_folder(host)


def test_a_seed_is_received_in_the_root_of_the_volume(host: VolumeHost, folder: SeedFolder) -> None:
    assert (folder.path.parent, folder.target) == (host.paths.root, host.paths.root / "mysql")


def test_a_replacement_goes_on_after_each_of_many_power_cuts(host: VolumeHost, folder: SeedFolder) -> None:
    cuts = 0

    while DataSwap(folder).stage is not SwapStage.DONE:
        try:
            # Each attempt closes the data directory anew, and the last one opens it before its journal says so.
            DataSwap(folder, cut_power_before(3)).swap()
        except PowerCut:
            cuts += 1
            folder = boot(host)

    folder.remove()
    assert cuts > 3
    assert {name: host.paths.data.joinpath(name).read_bytes() for name in NEW_FILES} == NEW_FILES
    assert not host.paths.data.joinpath("mysql-bin.index").exists()
    status = host.paths.data.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (101, 102, 0o750)


def test_the_old_data_come_back_after_a_power_cut_in_their_replacement(
    host: VolumeHost, folder: SeedFolder
) -> None:
    with pytest.raises(PowerCut):
        DataSwap(folder, cut_power_before(4)).swap()

    folder = boot(host)
    DataSwap(folder).undo()
    folder.remove()

    assert read_data(host.paths.data) == DATA_FILES
