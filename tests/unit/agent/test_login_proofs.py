"""Logins that are tried again, and logins that are known from an earlier pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network

import pytest

from guestagent.agent.desired_accounts import DesiredAccount
from guestagent.agent.login_proofs import PROOF_LIFETIME_S, RENEWALS_LIMIT, LoginProofs
from guestagent.agent.model import DesiredState
from guestagent.agent.observe import UNANSWERED_LOGINS_LIMIT, try_logins
from guestagent.database.fake import FRESH_SERVER, FakeSourceProbe
from guestagent.database.state import Account, AccountState, ServerError, ServerState, SourceState
from guestagent.metadata.document import Role, Tls
from guestagent.secret import Secret

NAMES = ("a", "b", "c")
DENIED = SourceState(error=ServerError(1045, "Access denied"))
UNREACHABLE = SourceState(error=ServerError(2003, "Connection refused"))


def build_account_state(name: str, host: str = "%") -> AccountState:
    return AccountState(Account(name, host), "mysql_native_password", Secret(f"*{name}"))


def build_desired_account(name: str, password: str = "pw") -> DesiredAccount:
    return DesiredAccount(Account(name, "%"), Secret(password))


@dataclass
class LoginTest:
    """All that the logins of a pass depend on; `proofs` outlive the pass."""

    proofs: LoginProofs = field(default_factory=LoginProofs)
    desired: DesiredState = field(
        default_factory=lambda: DesiredState(
            Role.SOURCE, 1, accounts=tuple(map(build_desired_account, NAMES))
        )
    )
    server: ServerState = field(
        default_factory=lambda: replace(FRESH_SERVER, accounts=tuple(map(build_account_state, NAMES)))
    )
    probe: FakeSourceProbe = field(default_factory=lambda: FakeSourceProbe(SourceState()))
    address: str = "10.0.0.1"
    server_instance: object = 1
    now: float = 0.0
    results: dict[Account, ServerError | None] = field(default_factory=dict)

    def run(self) -> list[str]:
        """Return whose logins are tried, one after the other."""
        self.probe.logins.clear()
        network = IPv4Network("10.0.0.0/8")
        args = (
            self.probe,
            self.desired,
            self.server,
            self.address,
            network,
            self.proofs,
            self.server_instance,
            self.now,
        )
        self.results = dict(try_logins(*args))
        return [name for _, _, name in self.probe.logins]


def test_each_login_is_tried_once() -> None:
    node = LoginTest()

    assert (node.run(), node.run()) == (["a", "b", "c"], [])


def change_password(node: LoginTest) -> None:
    node.desired = replace(
        node.desired,
        accounts=(build_desired_account("a"), build_desired_account("b", "new"), build_desired_account("c")),
    )


def change_stored_hash(node: LoginTest) -> None:
    changed_account = replace(build_account_state("b"), password_hash=Secret("*other"))
    node.server = replace(
        node.server, accounts=(build_account_state("a"), changed_account, build_account_state("c"))
    )


def lock_account(node: LoginTest) -> None:
    node.server = replace(
        node.server,
        accounts=(
            build_account_state("a"),
            replace(build_account_state("b"), is_locked=True),
            build_account_state("c"),
        ),
    )


def add_namesake(node: LoginTest) -> None:
    node.server = replace(node.server, accounts=(*node.server.accounts, build_account_state("b", "10.0.0.1")))


@pytest.mark.parametrize("change", [change_password, change_stored_hash, lock_account, add_namesake])
def test_a_login_is_tried_again_once_its_account_has_changed(change: Callable[[LoginTest], None]) -> None:
    node = LoginTest()
    node.run()

    change(node)

    assert (node.run(), node.run()) == (["b"], [])


def restart_server(node: LoginTest) -> None:
    node.server_instance = 2


def change_address(node: LoginTest) -> None:
    node.address = "10.0.0.2"


def require_tls(node: LoginTest) -> None:
    node.desired = replace(node.desired, tls=Tls(ca="another authority"))


def upgrade_server(node: LoginTest) -> None:
    node.server = replace(node.server, version="11.8.1-MariaDB")


def add_anonymous(node: LoginTest) -> None:
    """The server prefers an account without a name if its host fits better."""
    node.server = replace(node.server, accounts=(*node.server.accounts, build_account_state("", "10.0.0.1")))


@pytest.mark.parametrize(
    "change", [restart_server, change_address, require_tls, upgrade_server, add_anonymous]
)
def test_all_logins_are_tried_again_after_a_change_of_the_server_or_its_address(
    change: Callable[[LoginTest], None],
) -> None:
    node = LoginTest()
    node.run()

    change(node)

    assert (node.run(), node.run()) == (["a", "b", "c"], [])


def test_a_login_that_fails_is_tried_in_every_pass() -> None:
    node = LoginTest(probe=FakeSourceProbe(SourceState(), DENIED, SourceState(), DENIED, SourceState()))

    assert (node.run(), node.run(), node.run(), node.run()) == (["a", "b", "c"], ["b"], ["b"], [])
    assert node.results == {}


def test_old_proofs_are_renewed_a_few_at_a_time() -> None:
    names = [f"{number:02d}" for number in range(RENEWALS_LIMIT + 5)]
    node = LoginTest(
        desired=DesiredState(Role.SOURCE, 1, accounts=tuple(map(build_desired_account, names))),
        server=replace(FRESH_SERVER, accounts=tuple(map(build_account_state, names))),
    )
    node.run()
    node.now = PROOF_LIFETIME_S

    assert (node.run(), node.run(), node.run()) == (names[:RENEWALS_LIMIT], names[RENEWALS_LIMIT:], [])


def test_an_unreachable_server_is_not_tried_for_every_account() -> None:
    names = [str(number) for number in range(9)]
    node = LoginTest(
        desired=DesiredState(Role.SOURCE, 1, accounts=tuple(map(build_desired_account, names))),
        server=replace(FRESH_SERVER, accounts=tuple(map(build_account_state, names))),
        probe=FakeSourceProbe(UNREACHABLE),
    )

    assert node.run() == names[:UNANSWERED_LOGINS_LIMIT]
    assert set(node.results.values()) == {UNREACHABLE.error}
    assert len(node.results) == len(names)
