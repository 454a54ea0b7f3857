"""Accounts on a real server: made, changed, narrowed, dropped, never taken over."""

from __future__ import annotations

import pytest

from guestagent.database.edge import Database
from guestagent.database.sourceview import TcpSourceView
from guestagent.database.state import (
    REPLICATION,
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
from tests.integration.database.following import (
    PASSWORD,
    REPLICATOR,
    account_of,
)
from tests.integration.database.spoken import Spoken, only
from tests.integration.servers import Server

MYSQL_ALONE = only("mysql")

pytestmark = pytest.mark.every_server


class TestAccounts:
    def test_an_account_that_was_made_is_exactly_as_wanted(self, source: Server, database: Database) -> None:
        seen = account_of(database, REPLICATOR)

        assert seen.privileges == REPLICATION
        assert (seen.marked, seen.others, seen.locked) == (True, False, False)
        assert database.dialect.proves(seen.plugin, seen.proof, PASSWORD)
        assert TcpSourceView(5).look("127.0.0.1", source.port, REPLICATOR.name, PASSWORD).error is None

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
        self, database: Database, server: Server, name: str, password: str
    ) -> None:
        account = Account(name, "127.0.0.0/255.0.0.0")
        database.apply(CreateMarker())
        database.apply(CreateAccount(account, Secret(password)))

        seen = account_of(database, account)
        look = TcpSourceView(5).look("127.0.0.1", server.port, name, Secret(password))

        assert seen.marked
        assert look.error is None
        database.apply(DropAccount(account))
        assert database.observe().account(account) is None

    def test_an_account_of_somebody_else_is_never_taken_over(
        self, server: Server, database: Database
    ) -> None:
        server.ask("CREATE USER slave0000 IDENTIFIED BY 'theirs'")
        database.apply(CreateMarker())
        before = account_of(database, REPLICATOR)

        with pytest.raises(DatabaseRefused) as refused:
            database.apply(CreateAccount(REPLICATOR, PASSWORD))

        assert refused.value.number == 1396
        assert account_of(database, REPLICATOR) == before

    def test_a_new_password_replaces_every_way_in(
        self, source: Server, database: Database, spoken: Spoken
    ) -> None:
        source.ask(spoken.another_password)

        database.apply(SetPassword(REPLICATOR, Secret("new")))

        seen = account_of(database, REPLICATOR)
        assert database.dialect.proves(seen.plugin, seen.proof, Secret("new"))
        assert seen.marked

    def test_tls_is_required_and_released(self, source: Server, database: Database) -> None:
        database.apply(SetPassword(REPLICATOR, PASSWORD, require_tls=True))
        required = account_of(database, REPLICATOR).requires_tls

        database.apply(SetPassword(REPLICATOR, PASSWORD))

        assert required
        assert not account_of(database, REPLICATOR).requires_tls

    def test_privileges_are_narrowed_to_exactly_replication(self, source: Server, database: Database) -> None:
        source.ask(
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

        seen = account_of(database, REPLICATOR)
        assert (seen.privileges, seen.others, seen.marked) == (REPLICATION, False, True)

    def test_what_only_lacks_is_not_revoked_first(self, source: Server, database: Database) -> None:
        source.ask("REVOKE guestagent FROM slave0000")
        before = source.everything_logged().count(b"REVOKE ALL")

        database.apply(SetPrivileges(REPLICATOR))

        assert account_of(database, REPLICATOR).marked
        assert source.everything_logged().count(b"REVOKE ALL") == before

    @pytest.mark.parametrize("cut", [1, 2])
    def test_an_account_that_was_cut_short_is_completed(
        self, database: Database, server: Server, cut: int
    ) -> None:
        database.apply(CreateMarker())
        made = (
            "CREATE USER slave0000 IDENTIFIED BY 'correct horse battery'",
            "GRANT REPLICATION SLAVE ON *.* TO slave0000",
        )
        server.ask(*made[:cut])

        database.apply(SetPrivileges(REPLICATOR))

        seen = account_of(database, REPLICATOR)
        assert (seen.privileges, seen.marked) == (REPLICATION, True)

    def test_a_mark_that_gives_rights_is_somebody_elses(self, server: Server, database: Database) -> None:
        server.ask("CREATE ROLE guestagent", "GRANT SELECT ON mysql.* TO guestagent", "CREATE USER app")
        server.ask("GRANT guestagent TO app")

        state = database.observe()

        assert not state.marker
        assert [seen.marked for seen in state.accounts] == [False]

    def test_rights_for_nobody_create_nobody(self, database: Database, spoken: Spoken) -> None:
        database.apply(CreateMarker())

        with pytest.raises(DatabaseRefused) as refused:
            database.apply(SetPrivileges(REPLICATOR))

        assert refused.value.number == spoken.nobody

        assert database.observe().accounts == ()


@MYSQL_ALONE
class TestMysqlAccounts:
    def test_a_server_that_boots_closed_even_to_administrators_gets_its_accounts(
        self, server: Server, database: Database
    ) -> None:
        server.ask("SET GLOBAL super_read_only = 1")

        for step in (CreateMarker(), CreateAccount(REPLICATOR, PASSWORD), SetPassword(REPLICATOR, Secret("new"))):
            database.apply(step)

        assert account_of(database, REPLICATOR).marked
        assert (server.value("@@super_read_only"), server.value("@@read_only")) == ("1", "1")

    def test_a_refused_account_leaves_the_server_as_closed_as_it_was(
        self, source: Server, database: Database
    ) -> None:
        source.ask("SET GLOBAL super_read_only = 1")

        with pytest.raises(DatabaseRefused, match="1396"):
            database.apply(CreateAccount(REPLICATOR, PASSWORD))

        assert source.value("@@super_read_only") == "1"

    def test_a_dynamic_privilege_is_seen_and_taken(self, source: Server, database: Database) -> None:
        source.ask("GRANT CLONE_ADMIN ON *.* TO slave0000")
        before = account_of(database, REPLICATOR).privileges

        database.apply(SetPrivileges(REPLICATOR))

        assert before == REPLICATION | {"CLONE_ADMIN"}
        assert account_of(database, REPLICATOR).privileges == REPLICATION

    def test_an_expired_password_proves_nothing_until_it_is_set_again(
        self, source: Server, database: Database
    ) -> None:
        source.ask("ALTER USER slave0000 PASSWORD EXPIRE")
        expired = account_of(database, REPLICATOR)

        database.apply(SetPassword(REPLICATOR, PASSWORD))

        again = account_of(database, REPLICATOR)
        assert not database.dialect.proves(expired.plugin, expired.proof, PASSWORD)
        assert database.dialect.proves(again.plugin, again.proof, PASSWORD)

    def test_a_user_with_the_marks_name_marks_nothing(self, server: Server, database: Database) -> None:
        server.ask("CREATE USER guestagent IDENTIFIED BY 'x'", "CREATE USER app", "GRANT guestagent TO app")

        state = database.observe()

        assert not state.marker
        assert {seen.account.name: seen.marked for seen in state.accounts} == {"guestagent": False, "app": False}

    def test_a_password_that_a_server_hashed_itself_is_proved(self, server: Server, database: Database) -> None:
        server.ask("CREATE USER app IDENTIFIED BY 'pässwörd→'")

        seen = account_of(database, Account("app", "%"))

        assert database.dialect.proves(seen.plugin, seen.proof, Secret("pässwörd→"))
