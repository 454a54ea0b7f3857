"""The check whether a machine can run guests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from guestagent.embedded.guests.requirements import check_requirements
from guestagent.errors import UnsupportedEnvironment
from tests.support.guest_network import run_program


def test_a_missing_program_is_named(tmp_path: Path, images: Path) -> None:
    with pytest.raises(UnsupportedEnvironment, match=r"^no-such-server is missing on this machine: install "):
        check_requirements(tmp_path, ["no-such-server"])


def test_the_check_of_a_machine_leaves_nothing_and_needs_no_state_folder(
    tmp_path: Path, images: Path
) -> None:
    check_requirements(tmp_path / "state", [])

    assert list(tmp_path.iterdir()) == []


def test_missing_permission_for_namespaces_is_reported(tmp_path: Path, images: Path) -> None:
    program = f"""
from pathlib import Path
from guestagent.embedded.guests.requirements import check_requirements
from guestagent.errors import UnsupportedEnvironment
try:
    check_requirements(Path({str(tmp_path)!r}), [])
except UnsupportedEnvironment as lack:
    print(lack)
"""
    message = run_program("setpriv", "--bounding-set=-sys_admin", sys.executable, "-c", program)

    assert message.startswith("this machine does not allow namespaces with an overlay: ")
    assert len(message.splitlines()) == 1
