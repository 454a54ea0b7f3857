"""What Nova accepts as metadata, as it was measured on a real one."""

from __future__ import annotations

import pytest

from guestagent.embedded.http.errors import HTTPBadRequest
from guestagent.embedded.openstack.nova.metadata_rules import TooManyItems, check_metadata


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
    assert check_metadata(metadata) == metadata


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"role": "x" * 256}, "is too long"),
        ({"role": 3}, "3 is not of type 'string'"),
        ({"a/b": "c"}, "'a/b' does not match any of the regexes: '^[a-zA-Z0-9-_:. ]{1,255}$'"),
        ({"": "c"}, "'' does not match any of the regexes: '^[a-zA-Z0-9-_:. ]{1,255}$'"),
    ],
    ids=["value too long", "no text", "another character", "no key"],
)
def test_nova_rejects(metadata: dict[str, object], message: str) -> None:
    with pytest.raises(HTTPBadRequest) as refused:
        check_metadata(metadata)

    assert str(refused.value).endswith(message)


def test_more_items_than_nova_takes_are_no_bad_request_but_forbidden() -> None:
    metadata = {f"key{number}": "v" for number in range(129)}

    with pytest.raises(TooManyItems, match="Maximum number of metadata items exceeds 128"):
        check_metadata(metadata)
