"""A Secret never shows itself."""

import json
import pickle
import traceback

import pytest

from guestagent.secret import MASK, Secret, mask_secrets

PASSWORD = Secret("correct horse")


@pytest.mark.parametrize(
    "shown", [repr(PASSWORD), str(PASSWORD), f"{PASSWORD}", f"{PASSWORD:>20}", repr([PASSWORD])]
)
def test_no_way_of_showing_shows_it(shown: str) -> None:
    assert "horse" not in shown
    assert MASK in shown


def test_it_is_not_serialised() -> None:
    with pytest.raises(TypeError):
        json.dumps({"password": PASSWORD})
    with pytest.raises(TypeError, match="reveal"):
        pickle.dumps(PASSWORD)


def test_a_traceback_does_not_hold_it() -> None:
    try:
        raise ValueError(f"cannot use {PASSWORD}")
    except ValueError:
        message = traceback.format_exc()

    assert "horse" not in message


def test_it_does_not_change() -> None:
    with pytest.raises(AttributeError):
        PASSWORD.anything = 1


def test_equal_texts_are_equal_secrets() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1


def test_the_longest_secret_is_masked_first() -> None:
    assert (
        mask_secrets("pass and password", Secret("pass"), Secret("password"), Secret(""))
        == f"{MASK} and {MASK}"
    )
