"""The files of a channel: whole, the server's own, and gone when nothing names them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guestagent.database.channel_certificates import ChannelCertificates, build_tls_options
from guestagent.database.state import TlsOptions
from guestagent.errors import StorageError
from guestagent.metadata.document import Tls
from guestagent.secret import Secret

TLS = Tls(ca="the ca", certificate="the certificate", key=Secret("the key"))
FILES = ChannelCertificates()


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return f"{tmp_path}/"


def kept(folder: str) -> dict[str, str]:
    return {path.name: path.read_text() for path in Path(folder).iterdir()}


def test_the_server_finds_every_file_and_nobody_else_may_read_it(folder: str) -> None:
    FILES.write_files(TLS, folder)

    named = build_tls_options(TLS, folder)
    assert [Path(path).read_text() for path in (named.ca, named.certificate, named.key)] == [
        "the ca",
        "the certificate",
        "the key",
    ]
    assert {path.stat().st_mode & 0o777 for path in Path(folder).iterdir()} == {0o400}
    assert {path.stat().st_uid for path in Path(folder).iterdir()} == {Path(folder).stat().st_uid}


def test_what_is_right_is_not_written_again(folder: str) -> None:
    FILES.write_files(TLS, folder)
    before = {path: path.stat().st_ino for path in Path(folder).iterdir()}

    FILES.write_files(TLS, folder)

    assert {path: path.stat().st_ino for path in Path(folder).iterdir()} == before


@pytest.mark.parametrize("spoil", ["content", "mode", "gone", "link"])
def test_what_was_spoilt_is_mended(folder: str, tmp_path: Path, spoil: str) -> None:
    FILES.write_files(TLS, folder)
    path = Path(build_tls_options(TLS, folder).ca)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("the ca")
    path.chmod(0o600)
    if spoil == "content":
        path.write_text("another")
        path.chmod(0o400)
    elif spoil != "mode":
        path.unlink()
    if spoil == "link":
        path.symlink_to(elsewhere)

    FILES.write_files(TLS, folder)

    assert (path.is_symlink(), path.read_text(), path.stat().st_mode & 0o777) == (False, "the ca", 0o400)
    assert elsewhere.read_text() == "the ca"


def test_a_link_that_somebody_laid_for_us_is_not_written_through(folder: str, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    name = Path(build_tls_options(TLS, folder).ca).name
    (tmp_path / f".{name}.draft").symlink_to(victim)

    FILES.write_files(TLS, folder)

    assert victim.read_text() == "precious"
    assert Path(build_tls_options(TLS, folder).ca).read_text() == "the ca"


def test_superseded_files_and_drafts_of_the_killed_are_removed_and_others_stay(folder: str) -> None:
    FILES.write_files(TLS, folder)
    (Path(folder) / ".guestagent-channel-0-key.pem.draft").write_text("half a key")
    (Path(folder) / "ibdata1").write_text("")
    new = Tls(ca="a new ca")
    FILES.write_files(new, folder)

    FILES.remove_unused_files(folder, build_tls_options(new, folder))

    assert kept(folder) == {Path(build_tls_options(new, folder).ca).name: "a new ca", "ibdata1": ""}


def test_without_tls_every_file_goes(folder: str) -> None:
    FILES.write_files(TLS, folder)

    FILES.remove_unused_files(folder, TlsOptions())

    assert kept(folder) == {}


def test_a_folder_that_is_not_there_is_a_storage_error(folder: str) -> None:
    with pytest.raises(StorageError, match="data directory"):
        FILES.write_files(TLS, f"{folder}missing{os.sep}")
