"""The boot in which a status was written."""

from __future__ import annotations

import pytest

from guestagent.agent.journal import read_boot_id
from guestagent.agent.timestamp import find_boot_id


@pytest.mark.parametrize(
    ("environ", "boot_id"),
    [
        # systemd writes its %b without hyphens.
        ({"GUESTAGENT_BOOT_ID": "96007d0e61584b7ba751d39de8429e42"}, "96007d0e-6158-4b7b-a751-d39de8429e42"),
        ({}, read_boot_id()),
        ({"GUESTAGENT_BOOT_ID": "%b"}, read_boot_id()),
    ],
)
def test_the_boot_is_the_one_that_a_shell_on_this_machine_sees(environ: dict[str, str], boot_id: str) -> None:
    assert find_boot_id(environ) == boot_id
