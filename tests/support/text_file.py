"""Files of a test, with the folders above them."""

from __future__ import annotations

from pathlib import Path


def write_text_file(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
