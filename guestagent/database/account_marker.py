"""The mark of the accounts that the agent manages: a role without privileges, granted to each of them. Pure.

The mark is in the server itself, because a clone or a promotion loses the journal.
"""

from __future__ import annotations

MARKER_ROLE = "guestagent"
