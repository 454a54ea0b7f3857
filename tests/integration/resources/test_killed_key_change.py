"""A key change that is killed leaves the key file as it was, or as it should be."""

from __future__ import annotations

import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from guestagent.resources.endpoint.key_file import read_key_file, write_key_file
from guestagent.resources.endpoint.key_ring import make_key_ring

pytestmark = pytest.mark.integration
TREE = Path(__file__).parents[3]


@pytest.mark.parametrize("change", ["add", "drop"])
def test_a_kill_before_any_effect_loses_no_key(tmp_path: Path, change: str) -> None:
    path, ring = tmp_path / "keys.json", make_key_ring().add_key()
    write_key_file(path, ring)
    words = [next(iter(ring.keys))] if change == "drop" else []
    for number in count(1):
        before = read_key_file(path)
        command = [
            sys.executable,
            "-m",
            "tests.support.key_change_killed_at_effect",
            str(path),
            str(number),
            *words,
        ]

        ended = subprocess.run(command, cwd=TREE, stdout=subprocess.PIPE, text=True)

        after = read_key_file(path)
        assert before is not None
        assert after is not None
        assert ring.newest in after.keys
        if ended.returncode == 0:
            assert len(after.keys) == len(before.keys) + (1 if change == "add" else -1)
            assert after.newest == ended.stdout.strip()
            break
        assert after == before
    assert number > 2
