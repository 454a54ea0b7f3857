"""Observing a real server: the state, and that nothing is changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.database.account_purpose import REPLICATION_PRIVILEGES
from guestagent.database.protocols import Database
from guestagent.database.state import (
    Account,
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

pytestmark = pytest.mark.every_server


class TestObserve:
    def test_a_fresh_server_is_empty(self, server: DatabaseServer, database: Database) -> None:
        state = database.observe()

        assert (state.accounts, state.schemas, state.replica_ids, state.has_marker) == ((), (), (), False)
        assert state.history.is_empty
        assert state.channel is None
        assert (state.server_id, state.port) == (1, server.port)
        assert state.binary_log
        assert state.gtid
        assert not state.read_only
        assert state.version.startswith(server.flavour.series)
        assert state.history.family.lower() == database.dialect.family == server.flavour.family

    def test_schemas_and_foreign_accounts_are_observed(
        self, server: DatabaseServer, database: Database
    ) -> None:
        server.execute(
            "CREATE DATABASE shop",
            "CREATE USER app@'10.%' IDENTIFIED BY 'x'",
            "GRANT ALL ON shop.* TO app@'10.%'",
        )

        state = database.observe()

        assert state.schemas == ("shop",)
        (app,) = state.accounts
        assert (app.account, app.is_marked, app.has_other_privileges) == (Account("app", "10.%"), False, True)
        assert not app.privileges

    def test_a_lost_and_found_folder_is_no_schema(self, server: DatabaseServer, database: Database) -> None:
        (server.folder / "data" / "lost+found").mkdir()

        schemas = database.observe().schemas
        (server.folder / "data" / "lost+found").rmdir()

        assert schemas == ()

    def test_observing_writes_nothing(self, source: DatabaseServer, database: Database) -> None:
        before = source.read_position()

        database.observe()
        database.observe()

        assert source.read_position() == before

    @pytest.mark.parametrize(
        ("statement", "expected"),
        [
            ("ALTER USER slave0000 ACCOUNT LOCK", {"is_locked": True}),
            ("ALTER USER slave0000 REQUIRE SSL", {"requires_tls": True}),
            ("ALTER USER slave0000 REQUIRE X509", {"requires_tls": True, "requires_certificate": True}),
            ("GRANT SELECT ON *.* TO slave0000", {"privileges": REPLICATION_PRIVILEGES | {"SELECT"}}),
            ("REVOKE REPLICATION SLAVE ON *.* FROM slave0000", {"privileges": frozenset()}),
            ("GRANT USAGE ON *.* TO slave0000 WITH GRANT OPTION", {"has_other_privileges": True}),
            ("GRANT SELECT ON d.* TO slave0000", {"has_other_privileges": True}),
            ("GRANT SELECT ON d.t TO slave0000", {"has_other_privileges": True}),
            ("GRANT SELECT (a) ON d.t TO slave0000", {"has_other_privileges": True}),
            ("GRANT EXECUTE ON PROCEDURE d.p TO slave0000", {"has_other_privileges": True}),
            ("GRANT PROXY ON root@localhost TO slave0000", {"has_other_privileges": True}),
            ("GRANT boss TO slave0000", {"has_other_privileges": True}),
            (
                "GRANT guestagent TO slave0000 WITH ADMIN OPTION",
                {"has_other_privileges": True, "is_marked": False},
            ),
            ("REVOKE guestagent FROM slave0000", {"is_marked": False}),
            ("GRANT SELECT ON d.* TO guestagent", {"is_marked": False}),
            ("GRANT SELECT ON *.* TO guestagent", {"is_marked": False}),
            ("GRANT boss TO guestagent", {"is_marked": False}),
        ],
    )
    def test_every_privilege_of_an_account_is_observed(
        self, source: DatabaseServer, database: Database, statement: str, expected: dict[str, object]
    ) -> None:
        created_state = read_account(database, REPLICATOR)
        procedure = "CREATE PROCEDURE d.p() SELECT 1"
        source.execute(
            "CREATE DATABASE d", "CREATE TABLE d.t (a INT)", procedure, "CREATE ROLE boss", statement
        )

        account_state = read_account(database, REPLICATOR)

        assert created_state.privileges == REPLICATION_PRIVILEGES
        assert created_state.is_marked
        assert not created_state.has_other_privileges
        assert account_state == replace(created_state, **expected)  # type: ignore[arg-type]

    def test_a_second_password_is_retained(
        self, source: DatabaseServer, database: Database, family_statements: FamilyStatements
    ) -> None:
        source.execute(family_statements.add_password)

        account_state = read_account(database, REPLICATOR)

        proofs = [
            database.dialect.verify_password(account_state.plugin, account_state.password_hash, p)
            for p in (PASSWORD, Secret("x"))
        ]
        assert sum(proofs) == 1
        assert account_state.retained_hash is not None

    @limit_to_family("mariadb")
    def test_an_alternative_plugin_is_mentioned(self, source: DatabaseServer, database: Database) -> None:
        source.execute(
            "ALTER USER slave0000 IDENTIFIED VIA mysql_native_password USING PASSWORD('correct horse battery')"
            " OR unix_socket"
        )

        account_state = read_account(database, REPLICATOR)

        assert not database.dialect.verify_password(
            account_state.plugin, account_state.password_hash, PASSWORD
        )

    def test_named_channels_are_rejected(
        self, database: Database, server: DatabaseServer, family_statements: FamilyStatements
    ) -> None:
        server.execute(family_statements.create_named_channel)

        with pytest.raises(DatabaseRefused, match="named channels"):
            database.observe()

        server.execute(family_statements.drop_named_channel)
