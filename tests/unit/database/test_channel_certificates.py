"""The files of a channel: complete, owned by the server, and removed when no channel uses them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from guestagent.database.channel_certificates import ChannelCertificates
from guestagent.database.channel_tls import build_tls_options
from guestagent.database.state import TlsOptions
from guestagent.errors import StorageError
from guestagent.file_access import ACL_ATTRIBUTE, has_reader
from guestagent.metadata.document import Tls
from guestagent.secret import Secret

SERVER_USER = 54321
TLS = Tls(ca="the ca", certificate="the certificate", key=Secret("the key"))
FILES = ChannelCertificates()


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return f"{tmp_path}/"


def can_read(path: Path, user: int) -> bool:
    result = subprocess.run(["cat", path], user=user, group=user, extra_groups=(), capture_output=True)
    return result.returncode == 0


def read_files(folder: str) -> dict[str, str]:
    return {path.name: path.read_text() for path in Path(folder).iterdir()}


def test_only_the_server_can_read_the_files(folder: str) -> None:
    FILES.write_files(TLS, folder)

    named = build_tls_options(TLS, folder)
    assert [Path(path).read_text() for path in (named.ca, named.certificate, named.key)] == [
        "the ca",
        "the certificate",
        "the key",
    ]
    assert {path.stat().st_mode & 0o777 for path in Path(folder).iterdir()} == {0o400}
    assert {path.stat().st_uid for path in Path(folder).iterdir()} == {Path(folder).stat().st_uid}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of another user")
def test_a_server_with_a_user_of_its_own_can_read_the_files_and_nobody_else(tmp_path: Path) -> None:
    # pytest's own folders are closed to others.
    with TemporaryDirectory(dir="/var/tmp") as name:
        os.chown(name, SERVER_USER, SERVER_USER)
        folder = f"{name}/"

        FILES.write_files(TLS, folder)

        paths = sorted(Path(name).iterdir())
        assert {path.stat().st_uid for path in paths} == {0}
        assert [can_read(path, SERVER_USER) for path in paths] == [True] * 3
        assert [can_read(path, SERVER_USER + 1) for path in paths] == [False] * 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of another user")
def test_correct_files_of_a_server_with_a_user_of_its_own_are_not_written_again(tmp_path: Path) -> None:
    os.chown(tmp_path, SERVER_USER, SERVER_USER)
    FILES.write_files(TLS, f"{tmp_path}/")
    listed = Path(build_tls_options(TLS, f"{tmp_path}/").ca)
    # guestagent 0.1 made the server's user the owner.
    owned = Path(build_tls_options(TLS, f"{tmp_path}/").key)
    owned.unlink()
    owned.write_text("the key")
    owned.chmod(0o400)
    os.chown(owned, SERVER_USER, SERVER_USER)
    before = (listed.stat().st_ino, owned.stat().st_ino)

    FILES.write_files(TLS, f"{tmp_path}/")

    assert (listed.stat().st_ino, owned.stat().st_ino) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of another user")
def test_a_file_that_the_server_cannot_read_is_replaced(tmp_path: Path) -> None:
    os.chown(tmp_path, SERVER_USER, SERVER_USER)
    FILES.write_files(TLS, f"{tmp_path}/")
    path = Path(build_tls_options(TLS, f"{tmp_path}/").ca)
    os.removexattr(path, ACL_ATTRIBUTE)

    FILES.write_files(TLS, f"{tmp_path}/")

    assert has_reader(path, SERVER_USER)


def test_a_correct_file_is_not_written_again(folder: str) -> None:
    FILES.write_files(TLS, folder)
    before = {path: path.stat().st_ino for path in Path(folder).iterdir()}

    FILES.write_files(TLS, folder)

    assert {path: path.stat().st_ino for path in Path(folder).iterdir()} == before


@pytest.mark.parametrize("damage", ["content", "mode", "gone", "link"])
def test_a_damaged_file_is_replaced(folder: str, tmp_path: Path, damage: str) -> None:
    FILES.write_files(TLS, folder)
    path = Path(build_tls_options(TLS, folder).ca)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("the ca")
    path.chmod(0o600)
    if damage == "content":
        path.write_text("another")
        path.chmod(0o400)
    elif damage != "mode":
        path.unlink()
    if damage == "link":
        path.symlink_to(elsewhere)

    FILES.write_files(TLS, folder)

    assert (path.is_symlink(), path.read_text(), path.stat().st_mode & 0o777) == (False, "the ca", 0o400)
    assert elsewhere.read_text() == "the ca"


def test_a_symbolic_link_in_place_of_the_draft_is_not_followed(folder: str, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    name = Path(build_tls_options(TLS, folder).ca).name
    (tmp_path / f".{name}.draft").symlink_to(victim)

    FILES.write_files(TLS, folder)

    assert victim.read_text() == "precious"
    assert Path(build_tls_options(TLS, folder).ca).read_text() == "the ca"


def test_unused_files_and_drafts_are_removed_and_others_stay(folder: str) -> None:
    FILES.write_files(TLS, folder)
    (Path(folder) / ".guestagent-channel-0-key.pem.draft").write_text("half a key")
    (Path(folder) / "ibdata1").write_text("")
    new = Tls(ca="a new ca")
    FILES.write_files(new, folder)

    FILES.remove_unused_files(folder, build_tls_options(new, folder))

    assert read_files(folder) == {Path(build_tls_options(new, folder).ca).name: "a new ca", "ibdata1": ""}


def test_all_files_are_removed_without_tls(folder: str) -> None:
    FILES.write_files(TLS, folder)

    FILES.remove_unused_files(folder, TlsOptions())

    assert read_files(folder) == {}


def test_a_missing_folder_is_a_storage_error(folder: str) -> None:
    with pytest.raises(StorageError, match="data directory"):
        FILES.write_files(TLS, f"{folder}missing{os.sep}")
