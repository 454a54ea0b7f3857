"""Checks that no two accounts of a document have one name: they would be the same account on the source. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guestagent.metadata.document import Document, UnresolvedFunction, User
from guestagent.validation import Cursor

NamedUsers = Sequence[tuple[str, User]]
"""Users with their paths."""


def check_account_names(cursor: Cursor, document: Document) -> None:
    """Note accounts of different purposes with one name; `cursor` is the document. Each list checks its own names."""
    known_paths: dict[str | UnresolvedFunction, str] = {}
    for users in _list_groups(cursor, document):
        for path, user in users:
            if user.name in known_paths:
                name = Cursor(None, f"{path}.name", cursor.problems)
                name.add_problem("names that differ", f"the name of {known_paths[user.name]} again")
        for path, user in users:
            known_paths.setdefault(user.name, path)


def _list_groups(cursor: Cursor, document: Document) -> Iterator[NamedUsers]:
    section = document.section
    yield list(zip(_list_user_paths(cursor), document.users, strict=False))
    if document.source is not None:
        yield [("Master.User", document.source.user)]
    if section.seeding.donor is not None:
        yield [("GuestAgent.Seeding.Donor.User", section.seeding.donor.user)]
    if section.donor is not None:
        yield [
            (f"GuestAgent.Donor.Replicas[{index}].User", replica.user)
            for index, replica in enumerate(section.donor.replicas)
        ]
    if section.verification is not None:
        yield [("GuestAgent.Verification", section.verification)]


def _list_user_paths(cursor: Cursor) -> Iterator[str]:
    """List the paths of the items with a name: in the documents of 2013 a user has two items."""
    items = cursor.value.get("Users", []) if isinstance(cursor.value, dict) else []
    for index, item in enumerate(items):
        if isinstance(item, dict) and "name" in item:
            yield f"Users[{index}]"
