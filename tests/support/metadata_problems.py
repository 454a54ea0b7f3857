"""Problems of invalid metadata."""

from __future__ import annotations

import pytest

from guestagent.errors import InvalidMetadata
from guestagent.metadata import parse


def list_problems(document: object) -> list[str]:
    """Return the problems of an invalid document, as texts."""
    with pytest.raises(InvalidMetadata) as caught:
        parse(document)
    return [str(problem) for problem in caught.value.problems]
