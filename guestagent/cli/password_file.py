"""A file with passwords. It is rejected if other users can read it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from guestagent.cli.private_file import read_private_text
from guestagent.errors import InvalidInput
from guestagent.secret import Secret


def read_password_file(path: Path, accounts: Collection[str] = ()) -> dict[str, Secret]:
    """Read the passwords by node, or by one of these accounts.

    Raise InvalidInput, without any of the content, if they are invalid or unsafe.
    """
    from guestagent.controller.cluster_file import load_input
    from guestagent.controller.passwords import parse_passwords

    text = read_private_text(path)
    try:
        return parse_passwords(load_input(text, InvalidInput), accounts)
    except InvalidInput as error:
        raise InvalidInput(error.problems, str(path)) from None
