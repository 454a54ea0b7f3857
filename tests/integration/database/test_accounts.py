"""Accounts on a real server: made, changed, narrowed, dropped, never taken over."""

from __future__ import annotations

import pytest

from guestagent.database.protocols import Database
from guestagent.database.source_probe import TcpSourceProbe
from guestagent.database.state import (
    REPLICATION_PRIVILEGES,
    Account,
)
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
    def test_an_account_that_was_made_is_exactly_as_wanted(
        self, source: DatabaseServer, database: Database
    ) -> None:
        seen = read_account(database, REPLICATOR)

        assert seen.privileges == REPLICATION_PRIVILEGES
        assert (seen.is_marked, seen.has_other_privileges, seen.is_locked) == (True, False, False)
        assert database.dialect.verify_password(seen.plugin, seen.password_hash, PASSWORD)
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

        seen = read_account(database, account)
        look = TcpSourceProbe(5).probe("127.0.0.1", server.port, name, Secret(password))

        assert seen.is_marked
        assert look.error is None
        database.apply(DropAccount(account))
        assert database.observe().find_account(account) is None

    def test_an_account_of_somebody_else_is_never_taken_over(
        self, server: DatabaseServer, database: Database
    ) -> None:
        server.execute("CREATE USER slave0000 IDENTIFIED BY 'theirs'")
        database.apply(CreateMarker())
        before = read_account(database, REPLICATOR)

        with pytest.raises(DatabaseRefused) as refused:
            database.apply(CreateAccount(REPLICATOR, PASSWORD))

        assert refused.value.number == 1396
        assert read_account(database, REPLICATOR) == before

    def test_a_new_password_replaces_every_way_in(
        self, source: DatabaseServer, database: Database, spoken: FamilyStatements
    ) -> None:
        source.execute(spoken.add_password)

        database.apply(SetPassword(REPLICATOR, Secret("new")))

        seen = read_account(database, REPLICATOR)
        assert database.dialect.verify_password(seen.plugin, seen.password_hash, Secret("new"))
        assert seen.is_marked

    def test_tls_is_required_and_released(self, source: DatabaseServer, database: Database) -> None:
        database.apply(SetPassword(REPLICATOR, PASSWORD, require_tls=True))
        required = read_account(database, REPLICATOR).requires_tls

        database.apply(SetPassword(REPLICATOR, PASSWORD))

        assert required
        assert not read_account(database, REPLICATOR).requires_tls

    def test_privileges_are_narrowed_to_exactly_replication(
        self, source: DatabaseServer, database: Database
    ) -> None:
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

        seen = read_account(database, REPLICATOR)
        assert (seen.privileges, seen.has_other_privileges, seen.is_marked) == (
            REPLICATION_PRIVILEGES,
            False,
            True,
        )

    def test_what_only_lacks_is_not_revoked_first(self, source: DatabaseServer, database: Database) -> None:
        source.execute("REVOKE guestagent FROM slave0000")
        before = source.read_all_logs().count(b"REVOKE ALL")

        database.apply(SetPrivileges(REPLICATOR))

        assert read_account(database, REPLICATOR).is_marked
        assert source.read_all_logs().count(b"REVOKE ALL") == before

    @pytest.mark.parametrize("cut", [1, 2])
    def test_an_account_that_was_cut_short_is_completed(
        self, database: Database, server: DatabaseServer, cut: int
    ) -> None:
        database.apply(CreateMarker())
        made = (
            "CREATE USER slave0000 IDENTIFIED BY 'correct horse battery'",
            "GRANT REPLICATION SLAVE ON *.* TO slave0000",
        )
        server.execute(*made[:cut])

        database.apply(SetPrivileges(REPLICATOR))

        seen = read_account(database, REPLICATOR)
        assert (seen.privileges, seen.is_marked) == (REPLICATION_PRIVILEGES, True)

    def test_a_mark_that_gives_rights_is_somebody_elses(
        self, server: DatabaseServer, database: Database
    ) -> None:
        server.execute("CREATE ROLE guestagent", "GRANT SELECT ON mysql.* TO guestagent", "CREATE USER app")
        server.execute("GRANT guestagent TO app")

        state = database.observe()

        assert not state.has_marker
        assert [seen.is_marked for seen in state.accounts] == [False]

    def test_rights_for_nobody_create_nobody(self, database: Database, spoken: FamilyStatements) -> None:
        database.apply(CreateMarker())

        with pytest.raises(DatabaseRefused) as refused:
            database.apply(SetPrivileges(REPLICATOR))

        assert refused.value.number == spoken.no_such_account_error

        assert database.observe().accounts == ()


@MYSQL_ALONE
class TestMysqlAccounts:
    def test_a_server_that_boots_closed_even_to_administrators_gets_its_accounts(
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

    def test_a_refused_account_leaves_the_server_as_closed_as_it_was(
        self, source: DatabaseServer, database: Database
    ) -> None:
        source.execute("SET GLOBAL super_read_only = 1")

        with pytest.raises(DatabaseRefused, match="1396"):
            database.apply(CreateAccount(REPLICATOR, PASSWORD))

        assert source.query_value("@@super_read_only") == "1"

    def test_a_dynamic_privilege_is_seen_and_taken(self, source: DatabaseServer, database: Database) -> None:
        source.execute("GRANT CLONE_ADMIN ON *.* TO slave0000")
        before = read_account(database, REPLICATOR).privileges

        database.apply(SetPrivileges(REPLICATOR))

        assert before == REPLICATION_PRIVILEGES | {"CLONE_ADMIN"}
        assert read_account(database, REPLICATOR).privileges == REPLICATION_PRIVILEGES

    def test_an_expired_password_proves_nothing_until_it_is_set_again(
        self, source: DatabaseServer, database: Database
    ) -> None:
        source.execute("ALTER USER slave0000 PASSWORD EXPIRE")
        expired = read_account(database, REPLICATOR)

        database.apply(SetPassword(REPLICATOR, PASSWORD))

        again = read_account(database, REPLICATOR)
        assert not database.dialect.verify_password(expired.plugin, expired.password_hash, PASSWORD)
        assert database.dialect.verify_password(again.plugin, again.password_hash, PASSWORD)

    def test_a_user_with_the_marks_name_marks_nothing(
        self, server: DatabaseServer, database: Database
    ) -> None:
        server.execute(
            "CREATE USER guestagent IDENTIFIED BY 'x'", "CREATE USER app", "GRANT guestagent TO app"
        )

        state = database.observe()

        assert not state.has_marker
        assert {seen.account.name: seen.is_marked for seen in state.accounts} == {
            "guestagent": False,
            "app": False,
        }

    def test_a_password_that_a_server_hashed_itself_is_proved(
        self, server: DatabaseServer, database: Database
    ) -> None:
        server.execute("CREATE USER app IDENTIFIED BY 'pässwörd→'")

        seen = read_account(database, Account("app", "%"))

        assert database.dialect.verify_password(seen.plugin, seen.password_hash, Secret("pässwörd→"))
