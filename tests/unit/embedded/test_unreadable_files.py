"""Files of an earlier run with any content."""

from __future__ import annotations

import random
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.embedded.guests import NamespaceHypervisor
from guestagent.embedded.process import clouds_yaml
from guestagent.embedded.real_heat import process_file
from guestagent.embedded.real_heat.passwords import HeatPasswords
from guestagent.errors import CloudError, GuestAgentError, InvalidSettings, StorageError
from guestagent.unreadable_file import list_quarantined_files
from tests.support.mutations import mutate_bytes
from tests.support.parameter_ids import shorten

GARBLED = [b"", b"{", b"[]", b"{}", b'{"pid": 1}', b'{"1": "x"}', b'{"-1": 1}', b"\xff", b"[" * 100_000]
garbled = pytest.mark.parametrize("content", GARBLED, ids=shorten)
CLOUDS = (
    b"# mine\nclouds:\n  none:\n    auth: {password: s}\n    when: 2026-11-29\n  other: {}\ncache:\n  a: 1\n"
)


@garbled
def test_a_guest_that_cannot_be_read_is_no_guest(tmp_path: Path, content: bytes) -> None:
    hypervisor = NamespaceHypervisor(tmp_path, "ga-none", "10.77.0.1", IPv4Network("10.77.0.0/24").prefixlen)
    hypervisor.find_folder("1f0e").mkdir(parents=True)
    (hypervisor.find_folder("1f0e") / "guest.json").write_bytes(content)

    with pytest.raises(CloudError, match="cannot be read"):
        hypervisor._folders.read_guest("1f0e")


@garbled
def test_processes_that_cannot_be_read_are_kept_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "processes.json").write_bytes(content)

    process_file.kill_leftovers(tmp_path / "processes.json")

    assert len(list_quarantined_files(tmp_path)) == (0 if content == b"{}" else 1)


@garbled
def test_unreadable_passwords_are_reported_with_advice(content: bytes) -> None:
    with pytest.raises(StorageError, match="cloud down --purge"):
        HeatPasswords.parse(content)


@pytest.mark.parametrize(
    "content", [b"\xff", b"[" * 100_000, b"clouds: 2026-99-99\n", b"clouds: [a]\n"], ids=shorten
)
def test_a_foreign_clouds_yaml_is_not_changed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "clouds.yaml").write_bytes(content)

    with pytest.raises(InvalidSettings):
        clouds_yaml.write_entry(tmp_path / "clouds.yaml", "new", {})

    assert (tmp_path / "clouds.yaml").read_bytes() == content


def test_a_clouds_yaml_may_hold_anything(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / "clouds.yaml").write_bytes(mutate_bytes(CLOUDS, random.Random(number)))

        try:
            clouds_yaml.write_entry(tmp_path / "clouds.yaml", "new", {"auth": {"password": "x"}})
            clouds_yaml.remove_entry(tmp_path / "clouds.yaml", "none")
        except GuestAgentError:
            continue
