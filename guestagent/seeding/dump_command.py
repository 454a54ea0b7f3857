"""Command lines and option files of a dump's programs. Only the option file has secrets, and it is never on a disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from guestagent.secret import Secret
from guestagent.seeding.dump_dialect import DumpDialect
from guestagent.seeding.request import DonorEndpoint

ESCAPES = {"\\": "\\\\", '"': '\\"', "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
OBJECT_OPTIONS = ("--routines", "--events", "--triggers")
POSITION_ONLY = ("--no-data", "--no-create-info", "--skip-triggers", "--", "mysql", "db")
"""A dump of nothing but the position, for a source without schemas."""


@dataclass(frozen=True, slots=True)
class MemoryFiles:
    """Descriptors of files in memory: the option file, and the PEM texts that it refers to."""

    option_file: int
    descriptors: tuple[int, ...] = field(default=())


def build_dump_arguments(dialect: DumpDialect, option_file: int, schemas: tuple[str, ...]) -> tuple[str, ...]:
    """Build the command line of the dump of these schemas."""
    selection = ("--databases", "--", *schemas) if schemas else POSITION_ONLY
    options = tuple(option for option in dialect.options if schemas or option not in OBJECT_OPTIONS)
    return dialect.dump_program, f"--defaults-file=/dev/fd/{option_file}", *options, *selection


def build_load_arguments(dialect: DumpDialect, socket: str) -> tuple[str, ...]:
    """Build the command line of the client that executes the dump as root."""
    return dialect.load_program, *dialect.load_options, f"--socket={socket}"


def build_option_lines(
    family: str, donor: DonorEndpoint, paths: dict[str, str], *, is_encrypted: bool
) -> list[str]:
    """Build the lines of a connection to the donor. `paths` are those of `ca`, `cert` and `key`, if they exist.

    `is_encrypted`: the source offers TLS; it is used then, even if it is not required.
    """
    lines = [f"host={quote_value(donor.host)}", f"port={donor.port}", "protocol=tcp"]
    lines += [f"user={quote_value(donor.user)}"]
    lines += [f"ssl-{name}={path}" for name, path in paths.items()]
    if family == "mysql":
        return [*lines, *_build_mysql_tls(donor, is_encrypted=is_encrypted)]
    if not donor.requires_tls and not is_encrypted:
        return [*lines, "skip-ssl"]
    is_verified = donor.requires_tls and donor.ca and donor.verifies_name
    return [*lines, "ssl", "ssl-verify-server-cert" if is_verified else "skip-ssl-verify-server-cert"]


def quote_value(text: str) -> str:
    """Quote a value for an option file."""
    return '"' + "".join(ESCAPES.get(character, character) for character in text) + '"'


@contextmanager
def open_option_file(
    family: str, dialect: DumpDialect, donor: DonorEndpoint, *, is_encrypted: bool
) -> Iterator[MemoryFiles]:
    """Provide the option file for the block. A program that inherits the descriptors can read it, and nobody else."""
    texts = (
        {"ca": donor.ca, "cert": donor.certificate, "key": donor.key.reveal()} if donor.requires_tls else {}
    )
    descriptors: dict[str, int] = {}
    try:
        for name, text in texts.items():
            if text:
                descriptors[name] = _create_memory_file(Secret(text))
        paths = {name: f"/dev/fd/{descriptor}" for name, descriptor in descriptors.items()}
        lines = [
            "[client]",
            *build_option_lines(family, donor, paths, is_encrypted=is_encrypted),
            f"password={quote_value(donor.password.reveal())}",
            f"[{dialect.dump_program}]",
            *dialect.option_file_lines,
        ]
        option_file = _create_memory_file(Secret("\n".join(lines) + "\n"))
        descriptors["options"] = option_file
        yield MemoryFiles(option_file, tuple(descriptors.values()))
    finally:
        for descriptor in descriptors.values():
            os.close(descriptor)


def _build_mysql_tls(donor: DonorEndpoint, *, is_encrypted: bool) -> list[str]:
    if not donor.requires_tls:
        # Without TLS, the password is encrypted with a key that the server sends.
        return ["ssl-mode=PREFERRED"] if is_encrypted else ["ssl-mode=DISABLED", "get-server-public-key"]
    if not donor.ca:
        return ["ssl-mode=REQUIRED"]
    return ["ssl-mode=VERIFY_IDENTITY" if donor.verifies_name else "ssl-mode=VERIFY_CA"]


def _create_memory_file(content: Secret) -> int:
    """Create a file in memory. The programs ignore an option file that others may write."""
    descriptor = os.memfd_create("guestagent", os.MFD_CLOEXEC)
    os.fchmod(descriptor, 0o600)
    rest = content.reveal().encode()
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    return descriptor
