"""The purposes of the accounts that the agent creates. Each has exactly its own privileges. Pure."""

from __future__ import annotations

from enum import Enum


class AccountPurpose(str, Enum):
    """What an account is for. CLONE and DUMP are the donor accounts of two methods of seeding."""

    REPLICATION = "replication"
    CLONE = "clone"
    DUMP = "dump"
    VERIFICATION = "verification"

    def __str__(self) -> str:
        """Return the kind of account, as in "a donor account"."""
        return "donor" if self in (AccountPurpose.CLONE, AccountPurpose.DUMP) else self.value


REPLICATION_PRIVILEGES = frozenset({"REPLICATION SLAVE"})
VERIFICATION_PRIVILEGES = frozenset({"SELECT", "SHOW VIEW"})
DUMP_PRIVILEGES = frozenset({"SELECT", "SHOW VIEW", "TRIGGER", "EVENT"})
"""Without TRIGGER a dump has no triggers, and no error. Routines and accounts need only SELECT."""
