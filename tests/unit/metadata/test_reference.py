"""The reference page is about this very contract: its keys, its limits, its examples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.metadata import documents, parse
from guestagent.metadata.declaration import DOCUMENT_KEYS, READINESS, SECTION, SOURCE
from guestagent.metadata.seeding_shape import DONOR, DONOR_SERVICE, JOINING_REPLICA, SEEDING
from guestagent.metadata.tls import TLS
from guestagent.metadata.volume_shape import VOLUME

PAGE = Path(__file__).parents[3].joinpath("docs/reference/metadata.md").read_text(encoding="utf-8")


def list_code_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def iterate_keys() -> Iterator[str]:
    yield from DOCUMENT_KEYS.keys
    yield from (f"Master.{key}" for key in SOURCE.keys)
    yield from (key for key in SECTION.keys if key not in ("Seeding", "Readiness"))
    for name, record in (
        ("TLS", TLS),
        ("Seeding", SEEDING),
        ("Seeding.Donor", DONOR),
        ("Readiness", READINESS),
        ("Volume", VOLUME),
        ("Donor", DONOR_SERVICE),
        ("Donor.Replicas[]", JOINING_REPLICA),
    ):
        yield from (f"{name}.{key}" for key in record.keys)


@pytest.mark.parametrize("key", list(iterate_keys()))
def test_every_key_has_its_row(key: str) -> None:
    assert f"| `{key}` |" in PAGE


@pytest.mark.parametrize("text", list_code_blocks("yaml"))
def test_every_example_is_valid(text: str) -> None:
    [(_, document)] = documents(text)

    parse(document)


def test_the_python_example_runs() -> None:
    [code] = list_code_blocks("python")

    exec(code, {"print": lambda value: None})  # noqa: S102 - our own page
