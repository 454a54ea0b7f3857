"""MySQL's persisted variables without those that name a server."""

from __future__ import annotations

import json

import pytest

from guestagent.agent.persisted_variables import remove_identity_variables

VALUE = {"Value": "7", "Metadata": {"Host": "", "User": "root", "Timestamp": 1795941437302168}}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {
                "Version": 2,
                "mysql_static_variables": {"server_id": VALUE},
                "mysql_dynamic_variables": {"x": VALUE},
            },
            {"Version": 2, "mysql_dynamic_variables": {"x": VALUE}},
        ),
        (
            {
                "Version": 1,
                "mysql_server": {"x": VALUE, "mysql_server_static_options": {"report_host": VALUE}},
            },
            {"Version": 1, "mysql_server": {"x": VALUE}},
        ),
    ],
    ids=["second format", "first format"],
)
def test_only_what_names_the_server_is_removed(
    variables: dict[str, object], expected: dict[str, object]
) -> None:
    content = remove_identity_variables(json.dumps(variables).encode())

    assert content is not None
    assert json.loads(content) == expected


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b'{"Version": 2, "mysql_dynamic_variables": {"x": {}}}']
)
def test_a_file_without_a_server_id_or_a_damaged_one_stays(content: bytes) -> None:
    assert remove_identity_variables(content) is None
