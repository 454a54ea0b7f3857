"""Folders that the accounts of servers and daemons can enter, whatever the umask of their creator."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.host.cache_folder import make_public_folder


@pytest.fixture(autouse=True)
def private_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_other_accounts_can_enter_created_folders(tmp_path: Path) -> None:
    make_public_folder(folder := tmp_path / "a/b")

    assert [f"{path.stat().st_mode & 0o777:o}" for path in (folder, folder.parent)] == ["755", "755"]


def test_an_existing_folder_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()

    make_public_folder(tmp_path / "a")

    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
