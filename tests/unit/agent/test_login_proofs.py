"""Which logins are tried anew, and which are known from an earlier pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network

import pytest

from guestagent.agent.login_proofs import PROOF_LIFETIME_S, RENEWALS_LIMIT, LoginProofs
from guestagent.agent.model import DesiredAccount, DesiredState
from guestagent.agent.observe import UNANSWERED_LOGINS_LIMIT, try_logins
from guestagent.database.fake import FRESH_SERVER, FakeSourceProbe
from guestagent.database.state import Account, AccountState, ServerError, ServerState, SourceState
from guestagent.metadata.document import Role, Tls
from guestagent.secret import Secret

NAMES = ("a", "b", "c")
DENIED = SourceState(error=ServerError(1045, "Access denied"))
SILENCE = SourceState(error=ServerError(2003, "Connection refused"))


def account(name: str, host: str = "%") -> AccountState:
    return AccountState(Account(name, host), "mysql_native_password", Secret(f"*{name}"))


def wanted(name: str, password: str = "pw") -> DesiredAccount:
    return DesiredAccount(Account(name, "%"), Secret(password))


@dataclass
class Pass:
    """Everything on which the logins of a pass depend; `proofs` outlive it."""

    proofs: LoginProofs = field(default_factory=LoginProofs)
    desired: DesiredState = field(
        default_factory=lambda: DesiredState(Role.SOURCE, 1, accounts=tuple(map(wanted, NAMES)))
    )
    server: ServerState = field(
        default_factory=lambda: replace(FRESH_SERVER, accounts=tuple(map(account, NAMES)))
    )
    view: FakeSourceProbe = field(default_factory=lambda: FakeSourceProbe(SourceState()))
    address: str = "10.0.0.1"
    life: object = 1
    now: float = 0.0
    tried: dict[Account, ServerError | None] = field(default_factory=dict)

    def run(self) -> list[str]:
        """Return whose logins are tried, one after the other."""
        self.view.logins.clear()
        network = IPv4Network("10.0.0.0/8")
        args = (self.view, self.desired, self.server, self.address, network, self.proofs, self.life, self.now)
        self.tried = dict(try_logins(*args))
        return [name for _, _, name in self.view.logins]


def test_each_login_is_tried_once() -> None:
    node = Pass()

    assert (node.run(), node.run()) == (["a", "b", "c"], [])


def change_password(node: Pass) -> None:
    node.desired = replace(node.desired, accounts=(wanted("a"), wanted("b", "new"), wanted("c")))


def change_stored(node: Pass) -> None:
    changed = replace(account("b"), password_hash=Secret("*other"))
    node.server = replace(node.server, accounts=(account("a"), changed, account("c")))


def lock(node: Pass) -> None:
    node.server = replace(
        node.server, accounts=(account("a"), replace(account("b"), is_locked=True), account("c"))
    )


def add_namesake(node: Pass) -> None:
    node.server = replace(node.server, accounts=(*node.server.accounts, account("b", "10.0.0.1")))


@pytest.mark.parametrize("change", [change_password, change_stored, lock, add_namesake])
def test_a_login_is_tried_again_once_its_account_has_changed(change: Callable[[Pass], None]) -> None:
    node = Pass()
    node.run()

    change(node)

    assert (node.run(), node.run()) == (["b"], [])


def restart(node: Pass) -> None:
    node.life = 2


def move(node: Pass) -> None:
    node.address = "10.0.0.2"


def demand_tls(node: Pass) -> None:
    node.desired = replace(node.desired, tls=Tls(ca="another authority"))


def upgrade(node: Pass) -> None:
    node.server = replace(node.server, version="11.8.1-MariaDB")


def add_anonymous(node: Pass) -> None:
    """The server prefers an account without a name if its host fits better."""
    node.server = replace(node.server, accounts=(*node.server.accounts, account("", "10.0.0.1")))


@pytest.mark.parametrize("change", [restart, move, demand_tls, upgrade, add_anonymous])
def test_all_are_tried_again_once_the_server_or_the_way_to_it_has_changed(
    change: Callable[[Pass], None],
) -> None:
    node = Pass()
    node.run()

    change(node)

    assert (node.run(), node.run()) == (["a", "b", "c"], [])


def test_a_login_that_fails_is_tried_in_every_pass() -> None:
    node = Pass(view=FakeSourceProbe(SourceState(), DENIED, SourceState(), DENIED, SourceState()))

    assert (node.run(), node.run(), node.run(), node.run()) == (["a", "b", "c"], ["b"], ["b"], [])
    assert node.tried == {}


def test_old_proofs_are_renewed_a_few_at_a_time() -> None:
    names = [f"{number:02d}" for number in range(RENEWALS_LIMIT + 5)]
    node = Pass(
        desired=DesiredState(Role.SOURCE, 1, accounts=tuple(map(wanted, names))),
        server=replace(FRESH_SERVER, accounts=tuple(map(account, names))),
    )
    node.run()
    node.now = PROOF_LIFETIME_S

    assert (node.run(), node.run(), node.run()) == (names[:RENEWALS_LIMIT], names[RENEWALS_LIMIT:], [])


def test_a_server_that_answers_nobody_is_not_tried_for_every_account() -> None:
    names = [str(number) for number in range(9)]
    node = Pass(
        desired=DesiredState(Role.SOURCE, 1, accounts=tuple(map(wanted, names))),
        server=replace(FRESH_SERVER, accounts=tuple(map(account, names))),
        view=FakeSourceProbe(SILENCE),
    )

    assert node.run() == names[:UNANSWERED_LOGINS_LIMIT]
    assert set(node.tried.values()) == {SILENCE.error}
    assert len(node.tried) == len(names)
