"""Accounts on a real server: creating, changing, reducing and dropping them."""

from __future__ import annotations

import pytest

from guestagent.database.account_purpose import REPLICATION_PRIVILEGES
from guestagent.database.protocols import Database
from guestagent.database.source_probe import TcpSourceProbe
from guestagent.database.state import Account
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    DropAccount,
    SetPassword,
    SetPrivileges,
)
from guestagent.errors import DatabaseRefused
from guestagent.secret import Secret
from tests.support.database_servers import DatabaseServer
from tests.support.family_statements import FamilyStatements, limit_to_family
from tests.support.replication import (
    PASSWORD,
    REPLICATOR,
    read_account,
)

MYSQL_ALONE = limit_to_family("mysql")

pytestmark = pytest.mark.every_server


class TestAccounts:
    def test_a_created_account_is_exactly_as_desired(
        self, source: DatabaseServer, database: Database
    ) -> None:
        account_state = read_account(database, REPLICATOR)

        assert account_state.privileges == REPLICATION_PRIVILEGES
        assert (account_state.is_marked, account_state.has_other_privileges, account_state.is_locked) == (
            True,
            False,
            False,
        )
        assert database.dialect.verify_password(account_state.plugin, account_state.password_hash, PASSWORD)
        assert TcpSourceProbe(5).probe("127.0.0.1", source.port, REPLICATOR.name, PASSWORD).error is None

    @pytest.mark.parametrize(
        ("name", "password"),
        [
            ("o'brien", "it's"),
            ("back\\slash", "back\\slash'"),
            ("perc%ent{}", "%s{0}"),
            ("naïve", "pässwörd→"),
            ('dou"ble', 'do"uble'),
            ("`tick`", "; DROP USER x"),
            ("a b", "\\'"),
        ],
    )
    def test_any_name_and_password_work(
        self, database: Database, server: DatabaseServer, name: str, password: str
    ) -> None:
        account = Account(name, "127.0.0.0/255.0.0.0")
        database.apply(CreateMarker())
        database.apply(CreateAccount(account, Secret(password)))

        account_state = read_account(database, account)
        source_state = TcpSourceProbe(5).probe("127.0.0.1", server.port, name, Secret(password))

        assert account_state.is_marked
        assert source_state.error is None
        database.apply(DropAccount(account))
        assert database.observe().find_account(account) is None

    def test_a_foreign_account_is_never_taken_over(self, server: DatabaseServer, database: Database) -> None:
        server.execute("CREATE USER slave0000 IDENTIFIED BY 'theirs'")
        database.apply(CreateMarker())
        before = read_account(database, REPLICATOR)

        with pytest.raises(DatabaseRefused) as refused:
            database.apply(CreateAccount(REPLICATOR, PASSWORD))

        assert refused.value.number == 1396
        assert read_account(database, REPLICATOR) == before

    def test_a_new_password_replaces_all_alternatives(
        self, source: DatabaseServer, database: Database, family_statements: FamilyStatements
    ) -> None:
        source.execute(family_statements.add_password)

        database.apply(SetPassword(REPLICATOR, Secret("new")))

        account_state = read_account(database, REPLICATOR)
        assert database.dialect.verify_password(
            account_state.plugin, account_state.password_hash, Secret("new")
        )
        assert account_state.is_marked

    def test_tls_is_required_and_released(self, source: DatabaseServer, database: Database) -> None:
        database.apply(SetPassword(REPLICATOR, PASSWORD, require_tls=True))
        required = read_account(database, REPLICATOR).requires_tls

        database.apply(SetPassword(REPLICATOR, PASSWORD))

        assert required
        assert not read_account(database, REPLICATOR).requires_tls

    def test_privileges_are_reduced_to_replication(self, source: DatabaseServer, database: Database) -> None:
        source.execute(
            "CREATE DATABASE d",
            "CREATE TABLE d.t (a INT)",
            "CREATE PROCEDURE d.p() SELECT 1",
            "CREATE ROLE boss",
            "GRANT ALL ON *.* TO slave0000 WITH GRANT OPTION",
            "GRANT SELECT ON d.* TO slave0000",
            "GRANT SELECT (a), UPDATE ON d.t TO slave0000",
            "GRANT EXECUTE ON PROCEDURE d.p TO slave0000",
            "GRANT PROXY ON root@localhost TO slave0000",
            "GRANT boss TO slave0000 WITH ADMIN OPTION",
        )

        database.apply(SetPrivileges(REPLICATOR))

        account_state = read_account(database, REPLICATOR)
        assert (account_state.privileges, account_state.has_other_privileges, account_state.is_marked) == (
            REPLICATION_PRIVILEGES,
            False,
            True,
        )

    def test_missing_privileges_are_granted_without_a_revoke(
        self, source: DatabaseServer, database: Database
    ) -> None:
        source.execute("REVOKE guestagent FROM slave0000")
        before = source.read_all_logs().count(b"REVOKE ALL")

        database.apply(SetPrivileges(REPLICATOR))

        assert read_account(database, REPLICATOR).is_marked
        assert source.read_all_logs().count(b"REVOKE ALL") == before

    @pytest.mark.parametrize("statement_count", [1, 2])
    def test_an_interrupted_account_is_completed(
        self, database: Database, server: DatabaseServer, statement_count: int
    ) -> None:
        database.apply(CreateMarker())
        made = (
            "CREATE USER slave0000 IDENTIFIED BY 'correct horse battery'",
            "GRANT REPLICATION SLAVE ON *.* TO slave0000",
        )
        server.execute(*made[:statement_count])

        database.apply(SetPrivileges(REPLICATOR))

        account_state = read_account(database, REPLICATOR)
        assert (account_state.privileges, account_state.is_marked) == (REPLICATION_PRIVILEGES, True)

    def test_a_role_with_privileges_is_not_the_marker(
        self, server: DatabaseServer, database: Database
    ) -> None:
        server.execute("CREATE ROLE guestagent", "GRANT SELECT ON mysql.* TO guestagent", "CREATE USER app")
        server.execute("GRANT guestagent TO app")

        state = database.observe()

        assert not state.has_marker
        assert [account_state.is_marked for account_state in state.accounts] == [False]

    def test_privileges_for_a_missing_account_do_not_create_it(
        self, database: Database, family_statements: FamilyStatements
    ) -> None:
        database.apply(CreateMarker())

        with pytest.raises(DatabaseRefused) as refused:
            database.apply(SetPrivileges(REPLICATOR))

        assert refused.value.number == family_statements.no_such_account_error

        assert database.observe().accounts == ()


@MYSQL_ALONE
class TestMysqlAccounts:
    def test_accounts_are_created_on_a_super_read_only_server(
        self, server: DatabaseServer, database: Database
    ) -> None:
        server.execute("SET GLOBAL super_read_only = 1")

        for step in (
            CreateMarker(),
            CreateAccount(REPLICATOR, PASSWORD),
            SetPassword(REPLICATOR, Secret("new")),
        ):
            database.apply(step)

        assert read_account(database, REPLICATOR).is_marked
        assert (server.query_value("@@super_read_only"), server.query_value("@@read_only")) == ("1", "1")

    def test_a_rejected_account_leaves_super_read_only_on(
        self, source: DatabaseServer, database: Database
    ) -> None:
        source.execute("SET GLOBAL super_read_only = 1")

        with pytest.raises(DatabaseRefused, match="1396"):
            database.apply(CreateAccount(REPLICATOR, PASSWORD))

        assert source.query_value("@@super_read_only") == "1"

    def test_a_dynamic_privilege_is_found_and_revoked(
        self, source: DatabaseServer, database: Database
    ) -> None:
        source.execute("GRANT CLONE_ADMIN ON *.* TO slave0000")
        before = read_account(database, REPLICATOR).privileges

        database.apply(SetPrivileges(REPLICATOR))

        assert before == REPLICATION_PRIVILEGES | {"CLONE_ADMIN"}
        assert read_account(database, REPLICATOR).privileges == REPLICATION_PRIVILEGES

    def test_an_expired_password_verifies_nothing_until_it_is_set_again(
        self, source: DatabaseServer, database: Database
    ) -> None:
        source.execute("ALTER USER slave0000 PASSWORD EXPIRE")
        expired = read_account(database, REPLICATOR)

        database.apply(SetPassword(REPLICATOR, PASSWORD))

        again = read_account(database, REPLICATOR)
        assert not database.dialect.verify_password(expired.plugin, expired.password_hash, PASSWORD)
        assert database.dialect.verify_password(again.plugin, again.password_hash, PASSWORD)

    def test_a_user_with_the_name_of_the_marker_is_not_the_marker(
        self, server: DatabaseServer, database: Database
    ) -> None:
        server.execute(
            "CREATE USER guestagent IDENTIFIED BY 'x'", "CREATE USER app", "GRANT guestagent TO app"
        )

        state = database.observe()

        assert not state.has_marker
        assert {account_state.account.name: account_state.is_marked for account_state in state.accounts} == {
            "guestagent": False,
            "app": False,
        }

    def test_a_password_that_the_server_hashed_is_verified(
        self, server: DatabaseServer, database: Database
    ) -> None:
        server.execute("CREATE USER app IDENTIFIED BY 'pässwörd→'")

        account_state = read_account(database, Account("app", "%"))

        assert database.dialect.verify_password(
            account_state.plugin, account_state.password_hash, Secret("pässwörd→")
        )
