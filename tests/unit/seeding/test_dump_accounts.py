"""The statements that create a source's accounts at its replica."""

from __future__ import annotations

from guestagent.seeding.dump_accounts import (
    AccountDefinition,
    AccountName,
    build_account_statements,
    build_drop,
    build_role_creation,
)

USER, ROLE = AccountName("app", "%"), AccountName("boss", "", is_role=True)
PUBLIC = AccountName("PUBLIC", "", is_role=True)


def test_roles_come_before_the_accounts_that_have_them() -> None:
    statements = build_account_statements(
        (
            AccountDefinition(
                USER, "CREATE USER `app`@`%` DEFAULT ROLE `x`@`%`", ("GRANT `x` TO `app`@`%`",)
            ),
            AccountDefinition(
                AccountName("x", "%"), "CREATE USER `x`@`%`", ("GRANT SELECT ON *.* TO `x`@`%`",)
            ),
            AccountDefinition(ROLE, "CREATE ROLE `boss`", ()),
        )
    )

    assert statements == (
        "CREATE ROLE `boss`",
        "CREATE USER `x`@`%`",
        "CREATE USER `app`@`%` DEFAULT ROLE `x`@`%`",
        "GRANT SELECT ON *.* TO `x`@`%`",
        "GRANT `x` TO `app`@`%`",
    )


def test_each_server_keeps_the_accounts_of_its_installation() -> None:
    system_users = frozenset({"root"})

    assert AccountName("root", "localhost").is_system(system_users)
    assert not AccountName("root", "%").is_system(system_users)
    assert not AccountName("root", "", is_role=True).is_system(system_users)


def test_names_are_quoted() -> None:
    assert build_drop(AccountName("o`x", "10.%")) == "DROP USER IF EXISTS `o``x`@`10.%`"
    assert build_drop(ROLE) == "DROP ROLE IF EXISTS `boss`"


def test_the_role_of_all_accounts_exists_by_itself() -> None:
    assert (build_role_creation(PUBLIC), build_drop(PUBLIC), str(PUBLIC)) == ("", "", "PUBLIC")


def test_a_hash_is_in_no_representation() -> None:
    assert "hash" not in repr(AccountDefinition(USER, "CREATE USER x AS 'hash'", ("GRANT 'hash'",)))
