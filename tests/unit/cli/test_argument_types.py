"""Numbers of options: those without a meaning are wrong words."""

from __future__ import annotations

import pytest

from guestagent.cli.command_line import main


@pytest.mark.parametrize(
    "words",
    [
        *(["cloud", "up", f"--auth-ttl={value}"] for value in ("-3", "0", "nan", "inf", "1e300", "soon")),
        *(["cloud", "up", f"--heat-release={value}"] for value in ("-1", "0", "9" * 5000, "new")),
        *(["cluster", "lint", "x.yaml", f"--auth-ttl={value}"] for value in ("-1", "0", "1e3")),
    ],
)
def test_a_number_without_a_meaning_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = main(words)

    message = capsys.readouterr().err.splitlines()[-1]
    assert code == 2
    assert "must be" in message
    assert ", not '" in message
