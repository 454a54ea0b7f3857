"""Users, a name and a password each: as mappings, or in the two-item spelling of the published example."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.metadata.characters import CONTROL
from guestagent.metadata.document import Unresolved, User
from guestagent.metadata.shapes import Key, OrFunction, Record, Schema, Text
from guestagent.problems import Cursor
from guestagent.secret import Secret

LONGEST = 32  # MySQL's limit for users, and for a channel's password; MariaDB takes more
LONGEST_PASSWORD_BYTES = 96  # MariaDB's limit for a channel's password
MOST_USERS = 1000

NAME = Text(
    LONGEST,
    banned=rf"{CONTROL}|[^\u0000-\uffff]|^ | $",  # what the servers' own tables of users cannot hold
    banning="control character, character beyond U+FFFF, or blank at an end",
    why="MySQL takes no more for a user",
)


@dataclass(frozen=True, slots=True)
class Password:
    wanted: str = f"a string of 1 to {LONGEST} characters"

    def read(self, at: Cursor) -> Secret | None:
        text = self._text.read(at)
        if text is None:
            return None
        size = len(text.encode())
        if size > LONGEST_PASSWORD_BYTES:
            return at.wrong(
                f"at most {LONGEST_PASSWORD_BYTES} bytes", str(size), "MariaDB takes no more for a channel"
            )
        return Secret(text)

    def schema(self) -> Schema:
        return self._text.schema()

    @property
    def _text(self) -> Text:
        return Text(LONGEST, why="MySQL takes no more for the password of a channel")


USER = Record(
    User,
    {
        "name": Key("name", OrFunction(NAME), "the account's name", required=True),
        "password": Key("password", OrFunction(Password()), "its password", required=True),
    },
)


@dataclass(frozen=True, slots=True)
class Users:
    """A list of users. The published example writes one as two items, a name and then its password."""

    wanted: str = "a list of users"

    def read(self, at: Cursor) -> tuple[User, ...] | None:
        if isinstance(at.value, list) and len(at.value) > 2 * MOST_USERS:
            return at.wrong(f"at most {MOST_USERS} users", "more")
        items = list(at.items())
        users: dict[str | Unresolved, str] = {}
        read: list[User] = []
        while items:
            item = items.pop(0)
            halves = _halves(item, items[0]) if items else None
            if halves:
                items.pop(0)
            user = _pair(*halves) if halves else USER.read(item)
            if user is None:
                continue
            if user.name in users:
                name = halves[0] if halves else item.child("name", None)
                name.wrong("names that differ", f"the name of {users[user.name]} again")
            users.setdefault(user.name, item.path)
            read.append(user)
        return tuple(read)

    def schema(self) -> Schema:
        whole = USER.schema()
        keys = whole["properties"]
        halves = [
            {
                "type": "object",
                "properties": {key: keys[key]},
                "required": [key],
                "additionalProperties": False,
            }
            for key in ("name", "password")
        ]
        order = "a name alone is followed by its password alone, and no name stands twice"
        return {
            "type": "array",
            "maxItems": 2 * MOST_USERS,
            "items": {"anyOf": [whole, *halves]},
            "$comment": order,
        }


def _halves(first: Cursor, second: Cursor) -> tuple[Cursor, Cursor] | None:
    match first.value, second.value:
        case {"name": name, **more}, {"password": password, **others} if not more and not others:
            return first.child("name", name), second.child("password", password)
    return None


def _pair(name: Cursor, password: Cursor) -> User | None:
    read = USER.keys["name"].shape.read(name), USER.keys["password"].shape.read(password)
    match read:
        case (str() | Unresolved() as who, Secret() | Unresolved() as secret):
            return User(who, secret)
    return None
