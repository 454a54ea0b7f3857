"""Accounts for seeds and for verification: which a document asks for, their steps and their conditions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from guestagent.agent.desired_accounts import list_desired_accounts
from guestagent.agent.donor_record import DonorEntry, DonorRecord
from guestagent.agent.model import ConditionState, DesiredState
from guestagent.database.account_purpose import AccountPurpose
from guestagent.database.copy_note import CopyNote
from guestagent.database.mariadb import MariadbDialect
from guestagent.database.mysql import MysqlDialect
from guestagent.database.mysql.password_hash import hash_password
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import Account, AccountState, ServerError
from guestagent.database.steps import (
    CreateAccount,
    DropAccount,
    LoadClonePlugin,
    RemakeAccount,
    SetCopyNote,
    SetPassword,
    SetPrivileges,
    Step,
)
from guestagent.metadata.document import (
    CfnHandle,
    Document,
    DonorService,
    JoiningReplica,
    Section,
    Source,
    Tls,
    User,
)
from guestagent.secret import Secret
from tests.support.agent_states import PASSWORD, build_memory, build_observed, build_server, judge_state
from tests.support.agent_states import plan_allowed_steps as plan

HANDLE = CfnHandle(Secret("http://handle"))
MYSQL, MARIADB = MysqlDialect(), MariadbDialect()
SEED, VERIFY = Account("seed0000", "%"), Account("verify", "%")
CLONE, DUMP = AccountPurpose.CLONE, AccountPurpose.DUMP


def build_document(method: str = "auto", **section: Any) -> Document:
    replica = JoiningReplica("Slave0000", User("seed0000", PASSWORD), "slave0000", method)
    return Document(HANDLE, section=Section(server_id=7, donor=DonorService((replica,)), **section))


def build_desired(dialect: SqlDialect, method: str = "auto", **section: Any) -> DesiredState:
    return DesiredState.from_document(build_document(method, **section), dialect, "10.0.0.7")


def build_state(purpose: AccountPurpose, account: Account = SEED, **changes: Any) -> AccountState:
    """A managed account of a MariaDB as the agent makes it, with `changes`."""
    state = AccountState(account, "plain", Secret("wp"), MARIADB.get_privileges(purpose), is_marked=True)
    return replace(state, **changes)


class ReversingDialect(MariadbDialect):
    """MariaDB's dialect, with reversed passwords as hashes."""

    def verify_password(self, plugin: str, stored_hash: Secret, password: Secret) -> bool:
        return stored_hash.reveal() == password.reveal()[::-1]


DIALECT = ReversingDialect()
DUMPED = build_desired(DIALECT, "dump")


@pytest.mark.parametrize(
    ("dialect", "method", "purposes"),
    [
        (MYSQL, "auto", [CLONE]),
        (MYSQL, "clone", [CLONE]),
        (MYSQL, "dump", [DUMP]),
        (MYSQL, "backup", []),
        (MYSQL, "replay", []),
        (MARIADB, "auto", []),
        (MARIADB, "clone", []),
        (MARIADB, "dump", [DUMP]),
        (MARIADB, "backup", []),
        (MARIADB, "replay", []),
    ],
)
def test_the_method_and_the_family_decide_about_the_donor_account(
    dialect: SqlDialect, method: str, purposes: list[AccountPurpose]
) -> None:
    accounts = list(list_desired_accounts(build_document(method), dialect))

    assert [account.purpose for account in accounts] == purposes


@pytest.mark.parametrize(
    ("dialect", "purpose", "privileges"),
    [
        (MYSQL, CLONE, {"BACKUP_ADMIN"}),
        (MYSQL, DUMP, {"SELECT", "SHOW VIEW", "TRIGGER", "EVENT", "FLUSH_TABLES"}),
        (MARIADB, DUMP, {"SELECT", "SHOW VIEW", "TRIGGER", "EVENT"}),
        (MYSQL, AccountPurpose.VERIFICATION, {"SELECT", "SHOW VIEW"}),
        (MARIADB, AccountPurpose.VERIFICATION, {"SELECT", "SHOW VIEW"}),
    ],
)
def test_a_purpose_has_exactly_its_privileges(
    dialect: SqlDialect, purpose: AccountPurpose, privileges: set[str]
) -> None:
    assert dialect.get_privileges(purpose) == privileges


def test_an_account_of_any_purpose_has_the_network_and_the_encryption_of_the_document() -> None:
    document = build_document("dump", tls=Tls(), verification=User("verify", PASSWORD))

    accounts = list(list_desired_accounts(document, MARIADB))

    assert [(str(each.account), each.requires_tls) for each in accounts] == [
        ("seed0000@%", True),
        ("verify@%", True),
    ]


def test_a_replica_makes_no_account() -> None:
    section = Section(verification=User("verify", PASSWORD))
    document = Document(HANDLE, source=Source("10.0.0.7", User("slave0000", PASSWORD)), section=section)

    assert list(list_desired_accounts(document, MYSQL)) == []


def test_a_clone_needs_an_account_and_then_the_plugin() -> None:
    server = build_server(server_id=7, read_only=False, has_marker=True)

    steps = plan(build_desired(MYSQL), build_observed(server), dialect=MYSQL)

    assert steps == (CreateAccount(SEED, PASSWORD, purpose=CLONE), LoadClonePlugin())


NOTE = CopyNote(("shop.old",))


@pytest.mark.parametrize("present", [None, CopyNote()])
def test_a_clone_account_says_what_a_clone_would_lack(present: CopyNote | None) -> None:
    account = AccountState(
        SEED,
        MYSQL.plugin,
        hash_password(PASSWORD),
        MYSQL.get_privileges(CLONE),
        is_marked=True,
        copy_note=present,
    )
    server = build_server(
        server_id=7,
        read_only=False,
        has_marker=True,
        accounts=(account,),
        clone_plugin="ACTIVE",
        copy_note=NOTE,
    )
    desired = build_desired(MYSQL)

    steps = plan(desired, build_observed(server), dialect=MYSQL)

    assert steps == (SetCopyNote(SEED, NOTE),)


@pytest.mark.parametrize("status", ["ACTIVE", "DISABLED"])
def test_a_plugin_that_the_server_knows_is_not_loaded_again(status: str) -> None:
    server = build_server(server_id=7, read_only=False, has_marker=True, clone_plugin=status)

    assert LoadClonePlugin() not in plan(build_desired(MYSQL), build_observed(server), dialect=MYSQL)


@pytest.mark.parametrize(
    ("status", "state"),
    [("", ConditionState.PENDING), ("DISABLED", ConditionState.PENDING), ("ACTIVE", None)],
)
def test_a_source_of_a_clone_is_ready_only_with_the_plugin(status: str, state: ConditionState | None) -> None:
    server = build_server(server_id=7, read_only=False, clone_plugin=status)

    readiness = judge_state(build_desired(MYSQL), build_observed(server), dialect=MYSQL)

    (condition,) = (each for each in readiness.conditions if each.name == "clone plugin")
    assert condition.state is (state or ConditionState.HELD)


@pytest.mark.parametrize(
    ("account", "steps"),
    [
        (build_state(DUMP), []),
        (
            build_state(DUMP, privileges=frozenset({"SELECT", "SHOW VIEW", "EVENT"})),
            [SetPrivileges(SEED, DUMP)],
        ),
        (
            build_state(DUMP, privileges=DIALECT.get_privileges(DUMP) | {"REPLICATION SLAVE"}),
            [SetPrivileges(SEED, DUMP)],
        ),
        (build_state(AccountPurpose.REPLICATION), [SetPrivileges(SEED, DUMP)]),
        (build_state(DUMP, has_other_privileges=True), [SetPrivileges(SEED, DUMP)]),
        (build_state(DUMP, plugin="other", password_hash=Secret("dlo")), [SetPassword(SEED, PASSWORD)]),
    ],
    ids=["exact", "one less", "one more", "those of replication", "a role", "another password"],
)
def test_drift_of_a_donor_account_is_corrected(account: AccountState, steps: list[Step]) -> None:
    server = build_server(server_id=7, read_only=False, has_marker=True, accounts=(account,))

    assert list(plan(DUMPED, build_observed(server), dialect=DIALECT)) == steps


@pytest.mark.parametrize(("purpose", "retained"), [(DUMP, Secret("dlo")), (AccountPurpose.REPLICATION, None)])
def test_a_password_is_retained_unless_it_was_that_of_a_replication_account(
    purpose: AccountPurpose, retained: Secret | None
) -> None:
    account = build_state(purpose, plugin=DIALECT.plugin, password_hash=Secret("dlo"))
    server = build_server(server_id=7, read_only=False, has_marker=True, accounts=(account,))

    step, *_ = plan(DUMPED, build_observed(server), dialect=DIALECT)

    assert step == SetPassword(SEED, PASSWORD, current_hash=retained)


def test_a_donor_account_is_made_again_after_an_interruption() -> None:
    server = build_server(server_id=7, read_only=False, has_marker=True, accounts=(build_state(DUMP),))
    memory = replace(build_memory(), accounts=frozenset({SEED}), unfinished=frozenset({SEED}))

    steps = plan(DUMPED, build_observed(server), memory, DIALECT)

    assert steps == (RemakeAccount(SEED, PASSWORD, purpose=DUMP),)


def test_the_account_of_a_seed_that_is_over_is_dropped() -> None:
    server = build_server(server_id=7, read_only=False, has_marker=True, accounts=(build_state(DUMP),))
    desired = DUMPED.remove_finished_seeds([DonorRecord(DonorEntry("Slave0000", "seed0000"), is_over=True)])

    assert plan(desired, build_observed(server), dialect=DIALECT) == (DropAccount(SEED),)


def test_a_source_of_a_finished_clone_needs_no_plugin() -> None:
    over = [DonorRecord(DonorEntry("Slave0000", "seed0000"), is_over=True)]

    assert not build_desired(MYSQL).remove_finished_seeds(over).needs_clone_plugin


@pytest.mark.parametrize("is_over", [False, True])
def test_only_a_seed_that_is_over_loses_its_account(is_over: bool) -> None:
    record = DonorRecord(DonorEntry("Slave0000", "seed0000"), is_over)

    assert DUMPED.remove_finished_seeds([record]).accounts == (() if is_over else DUMPED.accounts)


def test_conditions_name_the_purpose_and_the_privileges() -> None:
    desired = build_desired(DIALECT, "dump", verification=User("verify", PASSWORD))
    server = build_server(server_id=7, read_only=False, accounts=(build_state(DUMP),))

    readiness = judge_state(desired, build_observed(server), dialect=DIALECT)

    conditions = {each.name: (each.state, each.expected, each.actual) for each in readiness.conditions}
    dump = "exactly EVENT, SELECT, SHOW VIEW, TRIGGER, with the wanted password"
    assert conditions["donor account seed0000@%"] == (ConditionState.HELD, dump, dump)
    assert conditions["verification account verify@%"] == (
        ConditionState.PENDING,
        "exactly SELECT, SHOW VIEW, with the wanted password",
        "no such account",
    )


def test_a_failed_login_names_the_purpose() -> None:
    server = build_server(server_id=7, read_only=False, accounts=(build_state(DUMP),))
    observed = replace(build_observed(server), login_errors={SEED: ServerError(1045, "denied")})

    worst = judge_state(DUMPED, observed, dialect=DIALECT).worst_condition

    assert (worst.name, worst.actual) == ("donor account seed0000@%", "1045, denied")


def test_a_foreign_account_with_the_name_of_a_donor_is_left_alone() -> None:
    foreign = build_state(DUMP, privileges=frozenset({"SELECT"}), is_marked=False)
    server = build_server(server_id=7, read_only=False, accounts=(foreign,))

    readiness = judge_state(DUMPED, build_observed(server), dialect=DIALECT)

    assert plan(DUMPED, build_observed(server), dialect=DIALECT) == ()
    assert readiness.is_final
