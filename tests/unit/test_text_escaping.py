"""Foreign text is readable, and steers nothing."""

from __future__ import annotations

import logging
import sys
import unicodedata

import pytest

from guestagent.agent.log_format import LineFormatter
from guestagent.text_escaping import escape_line, escape_text

DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
MARKS = "\u061c\u200e\u200f"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größer 漢字 😀", "größer 漢字 😀"),
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\r\x08\x7f\x9b", r"\r\x08\x7f\x9b"),
        ("abc\u202etxt.exe", r"abc\u202etxt.exe"),
        ("\u2028\ufeff\u200b", r"\u2028\ufeff\u200b"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_controls_and_directions_are_spelled(text: str, shown: str) -> None:
    assert escape_text(text) == shown


def test_no_control_and_no_direction_of_unicode_is_left() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))

    left = [
        character
        for character in escape_text(everything)
        if character not in "\t\n"
        and (
            unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
            or character in MARKS
            or unicodedata.bidirectional(character) in DIRECTIONS
        )
    ]

    assert left == []


def test_a_line_stays_one_line() -> None:
    assert escape_line("a\n  held     server\t") == r"a\n  held     server\t"


def test_a_record_of_the_log_is_one_line() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "%s", ("a\nERROR \x1b[2J\u202e",), None)

    assert LineFormatter("%(levelname)s %(message)s").format(record) == r"INFO a\nERROR \x1b[2J\u202e"
