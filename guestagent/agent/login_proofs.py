"""Proofs of the logins over TCP that have worked, so that a pass without changes repeats none of them.

The circumstances of a login are everything that it depends on and that the agent observes: the account, others of its
name, the password, the instance of the server, its address. If they change, the login is tried again. Changes that the
agent cannot observe (a blocked account, a replaced certificate) are found by renewing a few old proofs in each pass.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass

from guestagent.agent.desired_accounts import DesiredAccount
from guestagent.database.state import Account, AccountState, ServerState
from guestagent.metadata.document import Tls, UnresolvedFunction
from guestagent.secret import Secret

PROOF_LIFETIME_S = 300.0
RENEWALS_LIMIT = 10
"""Old proofs that one pass renews at most. A thousand accounts take a hundred passes of ten logins each."""


class LoginProofs:
    """The logins that have worked, each with its circumstances and the time. Holds no password."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._proofs: dict[Account, tuple[bytes, float]] = {}

    def choose_logins(self, circumstances: Mapping[Account, str], now: float) -> list[Account]:
        """Choose the logins to try: all that are not proven in these circumstances, and the oldest of the others."""
        current = {account: self._digest(text) for account, text in circumstances.items()}
        self._proofs = {
            account: proof for account, proof in self._proofs.items() if current.get(account) == proof[0]
        }
        old_proofs = sorted(
            (time, account) for account, (_, time) in self._proofs.items() if now - time >= PROOF_LIFETIME_S
        )
        renewals = {account for _, account in old_proofs[:RENEWALS_LIMIT]}
        return [account for account in current if account not in self._proofs or account in renewals]

    def record_login(self, account: Account, circumstances: str, *, has_worked: bool, now: float) -> None:
        """Record whether a login has worked."""
        if has_worked:
            self._proofs[account] = self._digest(circumstances), now
        else:
            self._proofs.pop(account, None)

    def _digest(self, text: str) -> bytes:
        encoded = text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(encoded, digest_size=16, key=self._key).digest()


def describe_circumstances(
    accounts: Iterable[DesiredAccount],
    server: ServerState,
    address: str,
    tls: Tls | None,
    server_instance: object,
) -> dict[Account, str]:
    """Describe everything observed that each account's login depends on. It holds secrets: use it for a digest only.

    A server picks the account by name and host, and prefers one without a name if its host fits better.
    `server_instance` differs after each restart of the server.
    """
    namesakes: defaultdict[str, list[AccountState]] = defaultdict(list)
    for state in server.accounts:
        namesakes[state.account.name].append(state)
    texts = {name: "".join(map(_serialize, states)) for name, states in namesakes.items()}
    common = _serialize((server_instance, address, server.port, server.version, server.uuid, server.tls, tls))
    common += texts.get("", "")
    return {
        each.account: common + _serialize(each.password) + texts.get(each.account.name, "")
        for each in accounts
    }


def _serialize(value: object) -> str:
    """Serialize a value with its secrets, so that only equal values have equal texts."""
    match value:
        case Secret():
            return _add_length(f"secret {value.reveal()}")
        case UnresolvedFunction():
            return _add_length(f"unresolved {value}")
        case tuple():
            return _add_length("".join(map(_serialize, value)))
        case frozenset():
            return _add_length("".join(sorted(map(_serialize, value))))
    if is_dataclass(value):
        return _add_length("".join(_serialize(getattr(value, each.name)) for each in fields(value)))
    return _add_length(repr(value))


def _add_length(text: str) -> str:
    return f"{len(text)}:{text}"
