"""Identifiers of the cloud's objects, in the form that OpenStack gives them."""

from __future__ import annotations

import uuid


def generate_id() -> str:
    """Return a new random identifier."""
    return str(uuid.uuid4())


def build_fixed_id(*words: str) -> str:
    """Return an identifier that is the same for the same words in every cloud."""
    return str(uuid.uuid5(uuid.UUID(int=0), " ".join(words)))
