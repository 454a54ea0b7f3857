"""The page of the security model lists the hardening of the systemd units as the units have it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT.joinpath("docs/explanation/security.md").read_text(encoding="utf-8")
UNITS = ("guestagent.service", "os-collect-config.service")
ROW = re.compile(r"^\| `(\w+=[^`]*)` \| (yes[^|]*)? ?\| (yes[^|]*)? ?\|$", re.MULTILINE)
HARDENING = re.compile(
    r"^(?:NoNewPrivileges|CapabilityBoundingSet|Protect\w+|ProcSubset|Private\w+|Restrict\w+|LockPersonality"
    r"|MemoryDenyWriteExecute|SystemCall(?:Filter|Architectures)|DevicePolicy|KeyringMode|UMask|LimitCORE"
    r"|WatchdogSignal)=.*$",
    re.MULTILINE,
)


def read_rows(column: int) -> set[str]:
    return {row[1] for row in ROW.finditer(PAGE) if row[column]}


def test_each_unit_has_the_directives_of_its_column() -> None:
    directives = [set(HARDENING.findall((ROOT / "systemd" / unit).read_text())) for unit in UNITS]

    assert read_rows(2) == directives[0]
    assert read_rows(3) == directives[1]
