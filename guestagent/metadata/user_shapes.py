"""Users, each with a name and a password: as mappings, or as the two items of the example published in 2013."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.metadata.document import UnresolvedFunction, User
from guestagent.metadata.network_shape import NetworkShape
from guestagent.metadata.regex_fragments import CONTROL
from guestagent.metadata.schema_types import Key, MappingShape, Schema, Shape, Text, ValueOrFunction
from guestagent.secret import Secret
from guestagent.validation import Cursor

CREDENTIAL_LENGTH_LIMIT = 32
"""MySQL's limit for a user name, in characters, and for a channel's password, in bytes; the agent checks the bytes.

MariaDB accepts 96 bytes of a password: 32 characters up to U+FFFF have no more.
"""

USER_LIMIT = 1000

BEYOND_BMP = r"[^\u0000-\uffff]"
"""Characters that the servers cannot store: their tables of users and channels are in utf8mb3."""

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
"""Names that MySQL or MariaDB uses itself, or that its grammar reserves."""

NAME = Text(
    CREDENTIAL_LENGTH_LIMIT,
    forbidden_pattern=rf"{CONTROL}|{BEYOND_BMP}|^ | $|^'.*'$",  # a server removes outer quotes from the name in a login
    forbidden_name="control character, character beyond U+FFFF, blank at an end, or quotes around it",
    reason="MySQL accepts no more for a user",
)


@dataclass(frozen=True, slots=True)
class AccountNameShape:
    """The name of an account that the agent creates. The servers' own accounts are excluded."""

    expected: str = NAME.expected

    def read(self, cursor: Cursor) -> str | None:
        name = NAME.read(cursor)
        if name in SYSTEM_ACCOUNTS:
            do = "it is one of the server's own accounts: choose another"
            return cursor.add_problem("a name that no server uses itself", name, do)
        return name

    def build_schema(self) -> Schema:
        return {"allOf": [NAME.build_schema(), {"not": {"enum": list(SYSTEM_ACCOUNTS)}}]}


@dataclass(frozen=True, slots=True)
class PasswordShape:
    expected: str = f"a string of 1 to {CREDENTIAL_LENGTH_LIMIT} characters"

    def read(self, cursor: Cursor) -> Secret | None:
        text = self._text.read(cursor)
        return None if text is None else Secret(text)

    def build_schema(self) -> Schema:
        return self._text.build_schema()

    @property
    def _text(self) -> Text:
        return Text(
            CREDENTIAL_LENGTH_LIMIT,
            forbidden_pattern=rf"{CONTROL}|{BEYOND_BMP}",
            forbidden_name="control character or character beyond U+FFFF",
            reason="MySQL accepts no more for the password of a channel",
        )


def _build_user_shape(name: Shape[str], *, has_network: bool = False) -> MappingShape[User]:
    keys = {
        "name": Key("name", ValueOrFunction(name), "the account's name", required=True),
        "password": Key("password", ValueOrFunction(PasswordShape()), "its password", required=True),
    }
    meaning = "from where it may come, if not from GuestAgent.Network: the replicas of another cluster"
    network = {"network": Key("network", NetworkShape(), meaning)}
    return MappingShape(User, {**keys, **(network if has_network else {})})


USER = _build_user_shape(NAME)
ACCOUNT = _build_user_shape(AccountNameShape())
LISTED_ACCOUNT = _build_user_shape(AccountNameShape(), has_network=True)


@dataclass(frozen=True, slots=True)
class UserListShape:
    """A list of users. The example of 2013 writes one as two items, a name and then its password."""

    expected: str = "a list of users"

    def read(self, cursor: Cursor) -> tuple[User, ...] | None:
        if isinstance(cursor.value, list) and len(cursor.value) > 2 * USER_LIMIT:
            return cursor.add_problem(f"at most {USER_LIMIT} users", "more")
        items = list(cursor.read_items())
        paths_by_name: dict[str | UnresolvedFunction, str] = {}
        users: list[User] = []
        while items:
            item = items.pop(0)
            halves = _split_user(item, items[0]) if items else None
            if halves:
                items.pop(0)
            user = _read_split_user(*halves) if halves else LISTED_ACCOUNT.read(item)
            if user is None:
                continue
            if user.name in paths_by_name:
                name = halves[0] if halves else item.get_child("name", None)
                name.add_problem("names that differ", f"the name of {paths_by_name[user.name]} again")
            paths_by_name.setdefault(user.name, item.path)
            users.append(user)
        return tuple(users)

    def build_schema(self) -> Schema:
        whole_user = LISTED_ACCOUNT.build_schema()
        keys = whole_user["properties"]
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
            "items": {"anyOf": [whole_user, *halves]},
            "$comment": order,
        }


def _split_user(first: Cursor, second: Cursor) -> tuple[Cursor, Cursor] | None:
    match first.value, second.value:
        case {"name": name, **more}, {"password": password, **others} if not more and not others:
            return first.get_child("name", name), second.get_child("password", password)
    return None


def _read_split_user(name: Cursor, password: Cursor) -> User | None:
    values = ACCOUNT.keys["name"].shape.read(name), ACCOUNT.keys["password"].shape.read(password)
    match values:
        case (str() | UnresolvedFunction() as user_name, Secret() | UnresolvedFunction() as secret):
            return User(user_name, secret)
    return None
