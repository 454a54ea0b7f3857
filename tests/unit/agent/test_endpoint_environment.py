from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.agent.endpoint_environment import find_missing_variables


@pytest.mark.parametrize(
    ("content", "environ", "expected"),
    [
        (None, {}, {}),
        ("REQUESTS_CA_BUNDLE=/etc/ca.pem\n", {}, {"REQUESTS_CA_BUNDLE": "/etc/ca.pem"}),
        ("REQUESTS_CA_BUNDLE=/etc/ca.pem\n", {"REQUESTS_CA_BUNDLE": "/mine.pem"}, {}),
        ("LD_PRELOAD=/x\nnonsense\n", {}, {}),
    ],
    ids=["no file", "missing", "set", "other variables"],
)
def test_a_command_gets_the_authority_of_the_endpoint_unless_it_has_one(
    tmp_path: Path, content: str | None, environ: dict[str, str], expected: dict[str, str]
) -> None:
    file = tmp_path / "endpoint.env"
    if content is not None:
        file.write_text(content)

    assert find_missing_variables(environ, file) == expected
