"""What Nova accepts as metadata, as it was measured on a real one."""

from __future__ import annotations

import pytest

from guestagent.embedded.openstack.nova.metadata_rules import find_metadata_error


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"guestagent_volume": "x" * 255},
        {"a-b_c:d. e": ""},
        {f"key{number}": "v" for number in range(128)},
    ],
    ids=["none", "long value", "every character", "as many as possible"],
)
def test_nova_accepts(metadata: dict[str, object]) -> None:
    assert find_metadata_error(metadata) == ""


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"role": "x" * 256}, "is too long"),
        ({"role": 3}, "3 is not of type 'string'"),
        ({"a/b": "c"}, "('a/b' was unexpected)"),
        ({"": "c"}, "('' was unexpected)"),
        ({f"key{number}": "v" for number in range(129)}, "Maximum number of metadata items exceeds 128"),
    ],
    ids=["value too long", "no text", "another character", "no key", "too many"],
)
def test_nova_rejects(metadata: dict[str, object], message: str) -> None:
    assert find_metadata_error(metadata).endswith(message)
