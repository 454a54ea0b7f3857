"""The command lines and the option file of a dump."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from guestagent.secret import Secret
from guestagent.seeding import DonorEndpoint
from guestagent.seeding.dump_command import (
    build_dump_arguments,
    build_load_arguments,
    build_option_lines,
    open_option_file,
    quote_value,
)
from guestagent.seeding.dump_dialect import DIALECTS, MARIADB, MYSQL

DONOR = DonorEndpoint("10.0.0.7", 3306, "donor0001", Secret("s3cret"))
VERIFIED = replace(DONOR, requires_tls=True, ca="PEM", verifies_name=True)


@pytest.mark.parametrize(
    ("family", "donor", "is_encrypted", "expected"),
    [
        ("mysql", DONOR, False, ["ssl-mode=DISABLED", "get-server-public-key"]),
        ("mysql", DONOR, True, ["ssl-mode=PREFERRED"]),
        ("mysql", replace(DONOR, requires_tls=True), True, ["ssl-mode=REQUIRED"]),
        ("mysql", replace(VERIFIED, verifies_name=False), True, ["ssl-mode=VERIFY_CA"]),
        ("mysql", VERIFIED, True, ["ssl-mode=VERIFY_IDENTITY"]),
        ("mariadb", DONOR, False, ["skip-ssl"]),
        ("mariadb", DONOR, True, ["ssl", "skip-ssl-verify-server-cert"]),
        ("mariadb", replace(DONOR, requires_tls=True), True, ["ssl", "skip-ssl-verify-server-cert"]),
        ("mariadb", VERIFIED, True, ["ssl", "ssl-verify-server-cert"]),
    ],
)
def test_a_dump_is_encrypted_as_the_channel(
    family: str, donor: DonorEndpoint, is_encrypted: bool, expected: list[str]
) -> None:
    assert build_option_lines(family, donor, {}, is_encrypted=is_encrypted)[4:] == expected


def test_the_option_file_is_read_by_its_descriptor() -> None:
    with open_option_file("mysql", MYSQL, VERIFIED, is_encrypted=True) as files:
        text = os.pread(files.option_file, 4096, 0).decode()
        mode = os.fstat(files.option_file).st_mode

    assert mode & 0o777 == 0o600
    assert 'password="s3cret"' in text
    assert "ssl-ca=/dev/fd/" in text
    assert len(files.descriptors) == 2


def test_values_are_quoted() -> None:
    assert quote_value("a \"b\" 'c' \\#;\n") == '"a \\"b\\" \\\'c\\\' \\\\#;\\n"'


@pytest.mark.parametrize("family", DIALECTS)
def test_no_password_is_in_a_command_line(family: str) -> None:
    dialect = DIALECTS[family]

    words = (*build_dump_arguments(dialect, 9, ("-odd", "shop")), *build_load_arguments(dialect, "/s"))

    assert words[1] == "--defaults-file=/dev/fd/9"
    assert words[words.index("--databases") + 1 :][:3] == ("--", "-odd", "shop")
    assert not any("password" in word for word in words)


def test_a_source_without_schemas_has_a_position() -> None:
    words = build_dump_arguments(MARIADB, 9, ())

    assert words[-3:] == ("--", "mysql", "db")
    assert "--routines" not in words
