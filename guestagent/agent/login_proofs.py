"""Which logins over TCP have worked, so that a quiet pass repeats none of them.

The circumstances of a login are everything on which it depends and which a look sees: the account, others of its name,
the password, the server's life, the way to it. If they change, the login is tried again. What no look sees (a blocked
account, a certificate that was replaced) is found by renewing a few proofs a pass, once they are old.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass

from guestagent.agent.model import DesiredAccount
from guestagent.database.state import Account, AccountState, ServerState
from guestagent.metadata.document import Tls, UnresolvedFunction
from guestagent.secret import Secret

PROOF_LIFETIME_S = 300.0
RENEWALS_LIMIT = 10
"""Old proofs that one pass renews at most. A thousand accounts take a hundred passes, and ten logins each."""


class LoginProofs:
    """The logins that have worked, each with its circumstances and the time. Holds no password."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._proved: dict[Account, tuple[bytes, float]] = {}

    def choose_logins(self, circumstances: Mapping[Account, str], now: float) -> list[Account]:
        """Choose the logins to try: all that are not proved in these circumstances, and the oldest of the others."""
        current = {account: self._digest(text) for account, text in circumstances.items()}
        self._proved = {
            account: proof for account, proof in self._proved.items() if current.get(account) == proof[0]
        }
        old = sorted(
            (at, account) for account, (_, at) in self._proved.items() if now - at >= PROOF_LIFETIME_S
        )
        renewed = {account for _, account in old[:RENEWALS_LIMIT]}
        return [account for account in current if account not in self._proved or account in renewed]

    def record_login(self, account: Account, circumstances: str, *, has_worked: bool, now: float) -> None:
        """Note what came of a login."""
        if has_worked:
            self._proved[account] = self._digest(circumstances), now
        else:
            self._proved.pop(account, None)

    def _digest(self, text: str) -> bytes:
        encoded = text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(encoded, digest_size=16, key=self._key).digest()


def describe_circumstances(
    wanted: Iterable[DesiredAccount], server: ServerState, address: str, tls: Tls | None, life: object
) -> dict[Account, str]:
    """Describe everything seen on which each account's login depends, in clear: for a digest and for nothing else.

    A server picks the account by name and host, and prefers one without a name if its host fits better. `life` differs
    between two lives of the server.
    """
    namesakes: defaultdict[str, list[AccountState]] = defaultdict(list)
    for state in server.accounts:
        namesakes[state.account.name].append(state)
    described = {name: "".join(map(_spell, states)) for name, states in namesakes.items()}
    common = _spell((life, address, server.port, server.version, server.uuid, server.tls, tls))
    common += described.get("", "")
    return {
        each.account: common + _spell(each.password) + described.get(each.account.name, "") for each in wanted
    }


def _spell(value: object) -> str:
    """Spell a value with its secrets, so that two are spelled alike only if they are equal."""
    match value:
        case Secret():
            return _framed(f"secret {value.reveal()}")
        case UnresolvedFunction():
            return _framed(f"unresolved {value}")
        case tuple():
            return _framed("".join(map(_spell, value)))
        case frozenset():
            return _framed("".join(sorted(map(_spell, value))))
    if is_dataclass(value):
        return _framed("".join(_spell(getattr(value, each.name)) for each in fields(value)))
    return _framed(repr(value))


def _framed(text: str) -> str:
    return f"{len(text)}:{text}"
