"""Statements with quoted values, and masking of their secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestagent.database.sql_statement import MASK_PREFIX_LENGTH, quote_string, sql
from guestagent.database.state import Account
from guestagent.metadata.document import UnresolvedFunction
from guestagent.secret import MASK, Secret


def unquote(literal: str) -> str:
    """Return the value that a server reads from a literal, with backslash escapes on."""
    assert literal[0] == literal[-1] == "'"
    read, rest = "", literal[1:-1]
    while rest:
        if rest[0] == "\\":
            read, rest = read + {"0": "\0"}.get(rest[1], rest[1]), rest[2:]
        elif rest[0] == "'":
            assert rest[1] == "'", "the literal ends early"
            read, rest = read + "'", rest[2:]
        else:
            read, rest = read + rest[0], rest[1:]
    return read


@given(st.text(alphabet=st.sampled_from("'\\\0\"%ab{}é`;\n")))
def test_a_literal_has_the_quoted_value(text: str) -> None:
    assert unquote(quote_string(text)) == text


def test_a_value_is_quoted_by_its_type() -> None:
    statement = sql("A {} {} {} {}", "it's", 3306, True, Account("u'", "10.%"))

    assert statement.reveal() == "A 'it''s' 3306 1 'u'''@'10.%'"


def test_a_secret_is_revealed_only_to_the_server() -> None:
    statement = sql("SET {}", Secret("p'w"))

    assert statement.reveal() == "SET 'p''w'"
    assert str(statement) == f"SET '{MASK}'"
    assert "p'w" not in repr(statement)


def test_a_template_function_is_shown_and_never_sent() -> None:
    statement = sql("HOST {}", UnresolvedFunction("Master0000.PrivateIp", "{}"))

    assert str(statement) == "HOST '<Master0000.PrivateIp>'"
    with pytest.raises(TypeError, match=r"Master0000\.PrivateIp"):
        statement.reveal()


def test_braces_in_a_value_are_kept() -> None:
    assert sql("A {}", "{0}{}").reveal() == "A '{0}{}'"


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("hunter2hunter2", "near 'hunter2hunter2' at line 1"),
        ("hunter2hunter2", "String 'hunter2hunt...' is too long"),
        ("hun'ter2", "near 'hun''ter2' at line 1"),
        ("hun'ter2", "near 'hun'ter2' at line 1"),
        ("hun\\ter2", "twice: hun\\ter2 and hun\\\\ter2"),
        ("abc", "abc, or abcd"),
    ],
)
def test_a_secret_is_masked_in_a_text_however_it_is_quoted(secret: str, text: str) -> None:
    masked = sql("SET {}", Secret(secret)).mask_secrets(text)

    assert secret[:MASK_PREFIX_LENGTH] not in masked
    assert MASK in masked


@given(st.text(min_size=1), st.text(), st.integers(0, 40))
def test_no_beginning_of_a_secret_remains_in_a_text(secret: str, context: str, length: int) -> None:
    text = context.replace(MASK[0], "") + secret[:length]

    masked = sql("SET {}", Secret(secret)).mask_secrets(text)

    remains = masked.replace(MASK, "")
    assert len(secret) < MASK_PREFIX_LENGTH or length < MASK_PREFIX_LENGTH or secret[:length] not in remains


def test_an_empty_secret_masks_nothing() -> None:
    assert sql("SET {}", Secret("")).mask_secrets("Access denied") == "Access denied"
