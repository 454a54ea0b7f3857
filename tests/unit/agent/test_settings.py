"""What an agent is told of its machine, and what it takes along to be told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from guestagent.agent import cfg
from guestagent.agent.settings import OPTIONS, load_settings
from guestagent.errors import InvalidSettings

HEAVY = (
    "print(*sorted({'oslo_config', 'requests', 'pymysql', 'yaml', 'guestagent.metadata'} & set(sys.modules)))"
)
IMPOSSIBLE = [
    "[DEFAULT]\ninterval = nan\n",
    "[signal]\ntimeout = inf\n",
    "[signal]\nauth_ttl = 1e300\n",
    "[DEFAULT]\nstate = /a\0b\n",
]
OTHER = [
    ("[DEFAULT]\nstate = /x\n", "state_folder", Path("/x")),
    ("[DEFAULT]\ninterval = 0.5\n", "interval", 0.5),
    ("[database]\ntimeout = 7\n", "database_timeout", 7.0),
    ("[signal]\nca_file = /ca.pem\n", "ca_file", Path("/ca.pem")),
]


def test_no_file_says_what_an_empty_one_does(tmp_path: Path) -> None:
    empty = tmp_path / "guestagent.conf"
    empty.touch()

    without, of_oslo = cfg.build_defaults(OPTIONS), cfg.parse_files((str(empty),), OPTIONS)

    for group, options in OPTIONS.items():
        for option in options:
            seen = [conf if group == cfg.DEFAULT_GROUP else conf[group] for conf in (without, of_oslo)]
            assert seen[0][option.name] == seen[1][option.name], option.name


@pytest.mark.parametrize(("text", "name", "value"), OTHER, ids=[name for _, name, _ in OTHER])
def test_a_file_is_read(tmp_path: Path, text: str, name: str, value: object) -> None:
    file = tmp_path / "guestagent.conf"
    file.write_text(text)

    assert getattr(load_settings(file), name) == value


@pytest.mark.parametrize(
    "text", ["[DEFAULT]\ninterval = 0\n", "[database]\ntimeout = soon\n", "nonsense", *IMPOSSIBLE]
)
def test_a_value_that_cannot_be_is_refused_and_the_file_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "guestagent.conf"
    file.write_text(text)

    with pytest.raises(InvalidSettings, match=r"guestagent\.conf: expected a configuration"):
        load_settings(file)


@pytest.mark.parametrize("section", ["database", "signal"])
def test_a_setting_that_is_refused_is_named_with_its_section(tmp_path: Path, section: str) -> None:
    file = tmp_path / "guestagent.conf"
    file.write_text(f"[{section}]\ntimeout = inf\n")

    with pytest.raises(InvalidSettings, match=f"{section}.timeout is not a finite number"):
        load_settings(file)


@pytest.mark.parametrize(
    ("imported", "heavy"),
    [
        ("guestagent.cli.agent, guestagent.agent.settings, guestagent.agent.poke", ""),
        ("guestagent.agent.daemon", "guestagent.metadata pymysql"),
    ],
)
def test_a_guest_pays_for_no_library_before_it_needs_it(imported: str, heavy: str) -> None:
    words = (sys.executable, "-c", f"import sys, {imported}; {HEAVY}")

    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=50)

    assert done.stdout.strip() == heavy
