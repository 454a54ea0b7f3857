"""The text of what needs a person."""

from __future__ import annotations

from guestagent.resources.natives.steps import NeedAttention, Waiting, join_attention
from guestagent.resources.operation import RefusalCode


def test_an_advice_that_several_share_is_given_once_and_last() -> None:
    needs = [NeedAttention(RefusalCode.REFUSED, text, "then retry") for text in ("no subnet", "no type")]

    text = join_attention(
        [needs[0], Waiting("the port"), *needs, NeedAttention(RefusalCode.DEADLINE, "too late")]
    )

    assert text == "no subnet; no type; too late; then retry"
