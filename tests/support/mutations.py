"""Mutations of a file: of its bytes, and of the values in it. The same seed gives the same ones."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

Place = tuple[str | int, ...]

CONTROLS = ["\x00", "\x1b[2J\x9b1m", "\u202eabc\u2066", "\ud800", "\udfff\ud800", "a\nb\tc\r"]
WORDS = ["", " ", *CONTROLS, "😀" * 9, "ß" * 40, "x" * 70_000]
INTEGERS = [0, -1, 1, 2**31, 2**63, 2**64, -(2**70), 10**400]
NUMBERS = [*INTEGERS, 0.5, 1e308, -1e-300, float("nan"), float("inf"), -float("inf")]
OTHERS: list[object] = [
    None, True, False, [], {}, [[]], {"": None}, [None, 1, "x"], {"version": 1}, {"Ref": "X"}, {"Fn::GetAtt": []},
]  # fmt: skip
REPLACED_MARKS: dict[str, str] = {
    "@deep90@": "[" * 90 + "]" * 90,
    "@deep400@": "[" * 400 + "]" * 400,
    "@deep980@": "[" * 980 + "]" * 980,
    "@deep100000@": "[" * 100_000 + "]" * 100_000,
    "@objects@": '{"a":' * 500 + "1" + "}" * 500,
    "@digits@": "9" * 6000,
    "@exponent@": "1e99999",
    "@half@": r'"\ud83d"',
}
"""Tokens that json.dumps does not write: put in place of these strings."""


def mutate(content: bytes, chance: random.Random) -> bytes:
    """One to three mutations of one kind."""
    kind = mutate_bytes if chance.random() < 0.4 else mutate_values
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        content = kind(content, chance)
    return content


def mutate_bytes(content: bytes, chance: random.Random) -> bytes:
    return chance.choice(BYTES)(content, chance)


def flip(content: bytes, chance: random.Random) -> bytes:
    flipped = bytearray(content)
    for _ in range(min(len(flipped), chance.choice((1, 1, 2, 8)))):
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
    return bytes(flipped)


def truncate(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def drop_beginning(content: bytes, chance: random.Random) -> bytes:
    return content[chance.randrange(len(content) + 1) :]


def remove_part(content: bytes, chance: random.Random) -> bytes:
    first, last = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    return content[:first] + content[last:]


def repeat(content: bytes, chance: random.Random) -> bytes:
    first, last = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    return content[:last] + content[first:]


def overwrite_with_zeros(content: bytes, chance: random.Random) -> bytes:
    """As a file system may leave a block after a power cut."""
    first = chance.randrange(len(content) + 1)
    return content[:first] + bytes(min(512, len(content) - first)) + content[first + 512 :]


def insert(content: bytes, chance: random.Random) -> bytes:
    offset = chance.randrange(len(content) + 1)
    noise = chance.choice(
        (b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"{", b"]", b"\\", b"\n", chance.randbytes(9))
    )
    return content[:offset] + noise + content[offset:]


def change_encoding(content: bytes, chance: random.Random) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(chance.choice(("utf-16", "utf-32", "utf-8-sig", "utf-7", "cp037")), "replace")


def replace_all(content: bytes, chance: random.Random) -> bytes:
    return chance.choice(
        (b"", b" ", b"null", b"[]", b"{}", b'""', b"0", b"NaN", b"\x00" * 99, chance.randbytes(300))
    )


def repeat_key(content: bytes, chance: random.Random) -> bytes:
    """One key twice: json takes the last one."""
    keys = content.split(b'": ')
    index = chance.randrange(len(keys))
    name = keys[index].rpartition(b'"')[2]
    return content.replace(b'"' + name + b'": ', b'"' + name + b'": [7], "' + name + b'": ', 1)


BYTES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flip, flip, flip, truncate, drop_beginning, remove_part, repeat, overwrite_with_zeros, insert,
    change_encoding, replace_all, repeat_key,
)  # fmt: skip


def mutate_values(content: bytes, chance: random.Random) -> bytes:
    """Another value somewhere in a JSON text; bytes are mutated if it is none any more."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return mutate_bytes(content, chance)
    places = list(find_places(value))
    path = chance.choice(places)
    text = json.dumps(put(value, path, chance), ensure_ascii=chance.random() < 0.9)
    for token, replacement in REPLACED_MARKS.items():
        text = text.replace(json.dumps(token), replacement)
    return text.encode("utf-8", "surrogatepass")


def find_places(value: object, place: Place = ()) -> list[Place]:
    places = [place]
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        if len(place) < 20:
            places += find_places(child, (*place, key))
    return places


def put(value: object, place: Place, chance: random.Random) -> object:
    """The value with something else at that place."""
    if not place:
        return change(value, chance)
    key, *rest = place
    if isinstance(value, dict):
        changed = {**value, key: put(value[str(key)], tuple(rest), chance)}
        if not rest and chance.random() < 0.2:
            moved_value = changed.pop(str(key))
            if chance.random() < 0.7:
                changed[chance.choice([*WORDS, str(key).upper(), f"{key}s"])] = moved_value
        return changed
    assert isinstance(value, list)
    assert isinstance(key, int)
    return [*value[:key], put(value[key], tuple(rest), chance), *value[key + 1 :]]


def change(value: object, chance: random.Random) -> object:
    """Something else in the place of a value, often something that looks like it."""
    if isinstance(value, dict) and chance.random() < 0.4:
        return {**value, chance.choice(WORDS): chance.choice([*OTHERS, *REPLACED_MARKS])}
    if isinstance(value, list) and chance.random() < 0.4:
        return value * chance.choice((2, 3)) + [chance.choice([*OTHERS, *WORDS])]
    if isinstance(value, str) and chance.random() < 0.5:
        index = chance.randrange(len(value) + 1)
        return value[:index] + chance.choice(WORDS) + value[index + chance.randrange(3) :]
    if isinstance(value, int | float) and chance.random() < 0.5:
        return chance.choice(NUMBERS)
    return chance.choice([*OTHERS, *NUMBERS, *WORDS, *REPLACED_MARKS, str(value), [value], {"value": value}])
