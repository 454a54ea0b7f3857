"""Users, a name and a password each: as mappings, or in the two-item spelling of the published example."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.metadata.characters import CONTROL
from guestagent.metadata.document import Unresolved, User
from guestagent.metadata.shapes import Key, OrFunction, Record, Schema, Shape, Text
from guestagent.problems import Cursor
from guestagent.secret import Secret

LONGEST = 32
"""MySQL's limit for users, in characters, and for a channel's password, where it counts bytes: the agent sees to those.

MariaDB takes 96 bytes of a password, which is never reached: 32 characters up to U+FFFF have no more.
"""

MOST_USERS = 1000

BEYOND_BMP = r"[^\u0000-\uffff]"
"""What the servers cannot keep: their tables of users and their channels' repositories have utf8mb3."""

SERVERS_OWN = (
    "root",
    "mysql",
    "mariadb.sys",
    "mysql.sys",
    "mysql.session",
    "mysql.infoschema",
    "debian-sys-maint",
    "PUBLIC",
)
"""Names that either family's installation or grammar has taken."""

NAME = Text(
    LONGEST,
    banned=rf"{CONTROL}|{BEYOND_BMP}|^ | $|^'.*'$",  # a server strips outer quotes from the name in a login
    banning="control character, character beyond U+FFFF, blank at an end, or quotes around it",
    why="MySQL takes no more for a user",
)


@dataclass(frozen=True, slots=True)
class OwnName:
    """The name of an account that the agent makes: none that the server keeps for itself."""

    wanted: str = NAME.wanted

    def read(self, at: Cursor) -> str | None:
        name = NAME.read(at)
        if name in SERVERS_OWN:
            do = "it is an account of the server's own: choose another"
            return at.wrong("a name that the servers leave free", name, do)
        return name

    def schema(self) -> Schema:
        return {"allOf": [NAME.schema(), {"not": {"enum": list(SERVERS_OWN)}}]}


@dataclass(frozen=True, slots=True)
class Password:
    wanted: str = f"a string of 1 to {LONGEST} characters"

    def read(self, at: Cursor) -> Secret | None:
        text = self._text.read(at)
        return None if text is None else Secret(text)

    def schema(self) -> Schema:
        return self._text.schema()

    @property
    def _text(self) -> Text:
        return Text(
            LONGEST,
            banned=rf"{CONTROL}|{BEYOND_BMP}",
            banning="control character or character beyond U+FFFF",
            why="MySQL takes no more for the password of a channel",
        )


def _user(name: Shape[str]) -> Record[User]:
    return Record(
        User,
        {
            "name": Key("name", OrFunction(name), "the account's name", required=True),
            "password": Key("password", OrFunction(Password()), "its password", required=True),
        },
    )


USER = _user(NAME)
MADE = _user(OwnName())


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
            user = _pair(*halves) if halves else MADE.read(item)
            if user is None:
                continue
            if user.name in users:
                name = halves[0] if halves else item.child("name", None)
                name.wrong("names that differ", f"the name of {users[user.name]} again")
            users.setdefault(user.name, item.path)
            read.append(user)
        return tuple(read)

    def schema(self) -> Schema:
        whole = MADE.schema()
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
    read = MADE.keys["name"].shape.read(name), MADE.keys["password"].shape.read(password)
    match read:
        case (str() | Unresolved() as who, Secret() | Unresolved() as secret):
            return User(who, secret)
    return None
