"""A string that stays hidden in repr, logs, formatting, JSON, pickles and tracebacks."""

from __future__ import annotations

import hmac
from typing import NoReturn

MASK = "********"


class Secret:
    """A password or another credential. Only `reveal()` returns the text, which makes its uses easy to find.

    Two secrets are equal if their texts are. The comparison takes constant time, wherever they differ.
    """

    __slots__ = ("_text",)
    _text: str

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "_text", text)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Secret is immutable")

    def reveal(self) -> str:
        """Return the text itself: for the network and for the server, never for a person or a log."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __len__(self) -> int:
        return len(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be serialised: call reveal() if the text must be sent")


def mask_secrets(text: str, *secrets: Secret) -> str:
    """Return `text` with every occurrence of the secrets' texts replaced by a mask, the longest first."""
    for secret in sorted((s for s in secrets if s), key=len, reverse=True):
        text = text.replace(secret.reveal(), MASK)
    return text
