"""What the failure of a dump's programs means. Pure."""

from __future__ import annotations

import re

from guestagent.database.connection_errors import remove_query_text
from guestagent.errors import DatabaseRefused, SeedError

NUMBER_PATTERN = re.compile(r"(?:\bERROR |\berror: |\bError:? )(\d{1,4})\b|\((\d{4})\)")
TRANSIENT_LOAD_ERRORS = frozenset(
    {1021, 1040, 1053, 1158, 1159, 1205, 1213, 1317, 1927, 2002, 2003, 2006, 2013}
)
"""The local server was stopped or was busy. All other errors come again with the same dump."""
FULL_DISK_WORDS = ("Errcode: 28", "errno: 28")
"""Of errors with any number. The disk may have room again."""
PRIVILEGE_ERRORS = frozenset({1044, 1142, 1143, 1227, 1370})
OPTION_WORDS = ("unknown option", "unknown variable", "unrecognized option")
PRIVILEGE_ADVICE = "the source's document must name Method dump for this replica, so that its agent grants it"
COLLATION_ADVICE = "the source is of a newer version than this server: upgrade this one"
PLUGIN_ADVICE = "install the same plugins here as at the source"
OBJECT_ADVICE = "the two versions differ in it: change it at the source, or install the source's version here"
FOLDER_ADVICE = (
    "create the folder of its DATA DIRECTORY here, for the server's user, or move the table at the source"
)
LOAD_ADVICE = {
    1: FOLDER_ADVICE,
    1005: FOLDER_ADVICE,
    3121: f"{FOLDER_ADVICE}; innodb_directories must name it",
    1115: COLLATION_ADVICE,
    1267: COLLATION_ADVICE,
    1273: COLLATION_ADVICE,
    1286: PLUGIN_ADVICE,
    1524: PLUGIN_ADVICE,
    1114: "free space on the disk of the data directory, then reseed the node",
    3510: "tablespaces of several tables are not copied: move the table to one of its own at the source",
}


def build_dump_error(program: str, words: str) -> SeedError:
    """Build the error of a dump that has failed at the source. Most of them pass: a restart, a changed table."""
    reason = f"{program} has failed: {remove_query_text(words) or 'no reason given'}"
    number = parse_number(words)
    if number in PRIVILEGE_ERRORS:
        return SeedError(reason, PRIVILEGE_ADVICE)
    if any(option in words for option in OPTION_WORDS):
        return SeedError(
            reason, f"the installed {program} lacks an option: install the server's version of it"
        )
    return SeedError(reason, is_transient=True)


def build_load_error(program: str, words: str) -> SeedError:
    """Build the error of a dump that the local server does not accept."""
    # MariaDB's client shows the statement before: it has the rows.
    error = remove_query_text(words[max(0, words.rfind("ERROR ")) :])
    return _build_rejection(f"{program}: {error or 'no reason given'}", parse_number(words))


def build_statement_error(error: DatabaseRefused) -> SeedError:
    """Build the error of a statement of the seed itself that the local server does not accept."""
    return _build_rejection(str(error), error.number)


def _build_rejection(words: str, number: int) -> SeedError:
    reason = f"this server does not accept the dump: {words}"
    is_full = any(each in words for each in FULL_DISK_WORDS)
    if number == 0 or is_full or number in TRANSIENT_LOAD_ERRORS:
        return SeedError(reason, is_transient=True)
    return SeedError(reason, LOAD_ADVICE.get(number, OBJECT_ADVICE))


def parse_number(words: str) -> int:
    """Return the number of the last error in a program's own words, 0 if there is none."""
    numbers = [first or second for first, second in NUMBER_PATTERN.findall(words)]
    return int(numbers[-1]) if numbers else 0
