"""Server variables as a document names them: only those of the checked list, each with a value of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from guestagent.metadata.characters import END
from guestagent.metadata.contradictions import check_pairs
from guestagent.metadata.document import Unresolved
from guestagent.metadata.functions import FUNCTION, is_function, read_function
from guestagent.metadata.known_variables import KNOWN, canonical, check, owner
from guestagent.metadata.shapes import Schema, Text
from guestagent.problems import Cursor

MOST = 200
LEAST_NUMBER, MOST_NUMBER = -(2**63), 2**64 - 1
NAME = Text(64, pattern=rf"^[A-Za-z][A-Za-z0-9_-]*{END}", form="a variable's name (letters, digits, _ and -)")
WORDS = Text(1024, least=0)
ALL = "docs/reference/variables.md lists them"


@dataclass(frozen=True, slots=True)
class Scalar:
    wanted: str = "a string, an integer or a boolean"

    def read(self, at: Cursor) -> str | int | bool | None:
        value = at.value
        if isinstance(value, str):
            return WORDS.read(at)
        if not isinstance(value, int):
            return at.wrong(self.wanted, do="quote it" if isinstance(value, float) else "")
        if not LEAST_NUMBER <= value <= MOST_NUMBER:
            return at.wrong("an integer of 64 bits", "a longer one")
        return value


SCALAR = Scalar()


@dataclass(frozen=True, slots=True)
class Variables:
    """Server variables: a name of the list and a scalar of its kind each."""

    wanted: str = "a mapping of server variables"

    def read(self, at: Cursor) -> Mapping[str, str | int | bool | Unresolved] | None:
        mapping = at.mapping()
        if mapping is None:
            return None
        if len(mapping) > MOST:
            return at.wrong(f"at most {MOST} variables", str(len(mapping)))
        read: dict[str, str | int | bool | Unresolved] = {}
        for spelling, value in mapping.items():
            child = at.child(spelling[:64], value)
            if NAME.read(Cursor(spelling, child.path, at.problems)) is None:
                continue
            name = canonical(spelling)
            if name in read:
                child.wrong("each variable once", "it twice: - and _ are the same to a server")
            elif _listed(child, name):
                scalar = read_function(child) if is_function(value) else SCALAR.read(child)
                if scalar is not None:
                    read[name] = scalar
                if scalar is not None and not isinstance(scalar, Unresolved):
                    check(child, name, scalar)
        check_pairs(at, read)
        return read

    def schema(self) -> Schema:
        kinds = {
            f"^{name.replace('_', '[_-]')}{END}": {"anyOf": [known.kind.schema(), {"$ref": FUNCTION}]}
            for name, known in sorted(KNOWN.items())
        }
        return {
            "type": "object",
            "maxProperties": MOST,
            "patternProperties": kinds,
            "additionalProperties": False,
        }


def _listed(at: Cursor, name: str) -> bool:
    """Whether the list has the name; a problem where it has not, with why and what is near."""
    if name in KNOWN:
        return True
    why = owner(name)
    near = get_close_matches(name, sorted(KNOWN), n=3, cutoff=0.6)
    meant = f"did you mean {' or '.join(near)}?" if near else ALL
    if why is not None:
        at.wrong("a variable that a document may set", f"one that it may not: {why}", meant if near else "")
    else:
        at.wrong("a variable that a document may set", "one that is not in the list", meant)
    return False
