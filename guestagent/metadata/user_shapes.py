"""Users, a name and a password each: as mappings, or in the two-item spelling of the published example."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.metadata.document import UnresolvedFunction, User
from guestagent.metadata.regex_fragments import CONTROL
from guestagent.metadata.schema_types import Key, MappingShape, Schema, Shape, Text, ValueOrFunction
from guestagent.secret import Secret
from guestagent.validation import Cursor

CREDENTIAL_LENGTH_LIMIT = 32
"""MySQL's limit for users, in characters, and for a channel's password, where it counts bytes: the agent sees to those.

MariaDB takes 96 bytes of a password, which is never reached: 32 characters up to U+FFFF have no more.
"""

USER_LIMIT = 1000

BEYOND_BMP = r"[^\u0000-\uffff]"
"""What the servers cannot keep: their tables of users and their channels' repositories have utf8mb3."""

SYSTEM_ACCOUNTS = (
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
    CREDENTIAL_LENGTH_LIMIT,
    forbidden_pattern=rf"{CONTROL}|{BEYOND_BMP}|^ | $|^'.*'$",  # a server strips outer quotes from the name in a login
    forbidden_name="control character, character beyond U+FFFF, blank at an end, or quotes around it",
    reason="MySQL takes no more for a user",
)


@dataclass(frozen=True, slots=True)
class AccountNameShape:
    """The name of an account that the agent makes: none that the server keeps for itself."""

    expected: str = NAME.expected

    def read(self, at: Cursor) -> str | None:
        name = NAME.read(at)
        if name in SYSTEM_ACCOUNTS:
            do = "it is an account of the server's own: choose another"
            return at.add_problem("a name that the servers leave free", name, do)
        return name

    def build_schema(self) -> Schema:
        return {"allOf": [NAME.build_schema(), {"not": {"enum": list(SYSTEM_ACCOUNTS)}}]}


@dataclass(frozen=True, slots=True)
class PasswordShape:
    expected: str = f"a string of 1 to {CREDENTIAL_LENGTH_LIMIT} characters"

    def read(self, at: Cursor) -> Secret | None:
        text = self._text.read(at)
        return None if text is None else Secret(text)

    def build_schema(self) -> Schema:
        return self._text.build_schema()

    @property
    def _text(self) -> Text:
        return Text(
            CREDENTIAL_LENGTH_LIMIT,
            forbidden_pattern=rf"{CONTROL}|{BEYOND_BMP}",
            forbidden_name="control character or character beyond U+FFFF",
            reason="MySQL takes no more for the password of a channel",
        )


def _user(name: Shape[str]) -> MappingShape[User]:
    return MappingShape(
        User,
        {
            "name": Key("name", ValueOrFunction(name), "the account's name", required=True),
            "password": Key("password", ValueOrFunction(PasswordShape()), "its password", required=True),
        },
    )


USER = _user(NAME)
ACCOUNT = _user(AccountNameShape())


@dataclass(frozen=True, slots=True)
class UserListShape:
    """A list of users. The published example writes one as two items, a name and then its password."""

    expected: str = "a list of users"

    def read(self, at: Cursor) -> tuple[User, ...] | None:
        if isinstance(at.value, list) and len(at.value) > 2 * USER_LIMIT:
            return at.add_problem(f"at most {USER_LIMIT} users", "more")
        items = list(at.read_items())
        users: dict[str | UnresolvedFunction, str] = {}
        read: list[User] = []
        while items:
            item = items.pop(0)
            halves = _halves(item, items[0]) if items else None
            if halves:
                items.pop(0)
            user = _pair(*halves) if halves else ACCOUNT.read(item)
            if user is None:
                continue
            if user.name in users:
                name = halves[0] if halves else item.get_child("name", None)
                name.add_problem("names that differ", f"the name of {users[user.name]} again")
            users.setdefault(user.name, item.path)
            read.append(user)
        return tuple(read)

    def build_schema(self) -> Schema:
        whole = ACCOUNT.build_schema()
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
            "maxItems": 2 * USER_LIMIT,
            "items": {"anyOf": [whole, *halves]},
            "$comment": order,
        }


def _halves(first: Cursor, second: Cursor) -> tuple[Cursor, Cursor] | None:
    match first.value, second.value:
        case {"name": name, **more}, {"password": password, **others} if not more and not others:
            return first.get_child("name", name), second.get_child("password", password)
    return None


def _pair(name: Cursor, password: Cursor) -> User | None:
    read = ACCOUNT.keys["name"].shape.read(name), ACCOUNT.keys["password"].shape.read(password)
    match read:
        case (str() | UnresolvedFunction() as who, Secret() | UnresolvedFunction() as secret):
            return User(who, secret)
    return None
