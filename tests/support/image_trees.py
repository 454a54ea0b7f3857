"""Trees that have the programs of an image, as empty files: enough to be examined, not to boot."""

from __future__ import annotations

from pathlib import Path

IMAGE_PROGRAMS = ("usr/lib/systemd/systemd", "usr/bin/cloud-init", "opt/guestagent/bin/guestagent")


def make_tree(folder: Path, *programs: str) -> Path:
    """Make a tree with these programs."""
    for program in programs:
        (folder / program).parent.mkdir(parents=True, exist_ok=True)
        (folder / program).touch()
    return folder
