"""Lookups in a server's state that a pass repeats many times."""

from __future__ import annotations

from dataclasses import replace

from guestagent.database.fake import FRESH_SERVER
from guestagent.database.state import Account, AccountState
from guestagent.secret import Secret


class Comparisons:
    """How often two accounts were compared."""

    count = 0


class CountedAccount(Account):
    """An account that counts its comparisons."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        Comparisons.count += 1
        return isinstance(other, Account) and (self.name, self.host) == (other.name, other.host)

    def __hash__(self) -> int:
        return hash((self.name, self.host))


def build_state(name: str) -> AccountState:
    return AccountState(CountedAccount(name, "%"), "plain", Secret("x"))


def test_an_account_is_found_by_its_name_and_host() -> None:
    server = replace(FRESH_SERVER, accounts=(build_state("app"), build_state("slave")))

    assert server.find_account(Account("slave", "%")) is server.accounts[1]
    assert server.find_account(Account("slave", "localhost")) is None
    assert replace(server, accounts=()).find_account(Account("slave", "%")) is None


def test_finding_all_accounts_takes_linear_time() -> None:
    names = [f"slave{number}" for number in range(200)]
    server = replace(FRESH_SERVER, accounts=tuple(map(build_state, names)))

    Comparisons.count = 0
    accounts = [server.find_account(CountedAccount(name, "%")) for name in names]

    assert None not in accounts
    assert Comparisons.count < 4 * len(names)
