"""The source as the donor of a CLONE: whether it lets us in, and fits, before anything is removed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing

from guestagent.database.connection_errors import NoAnswer
from guestagent.database.copy_note import CopyNote
from guestagent.database.error_diagnosis import FailureKind, FailureStage, diagnose_error
from guestagent.database.login import connect_tcp
from guestagent.database.mysql.clone import CloneSource, has_clone_plugin, read_own_note
from guestagent.database.mysql.clone_diagnosis import CHOOSE_DUMP, WAIT_FOR_AGENT
from guestagent.database.mysql.clone_requirements import KEYRING, VARIABLES, find_clone_obstacles
from guestagent.database.mysql.diagnosis import RULES
from guestagent.database.queries import read_global_variables
from guestagent.database.state import ServerError, TlsOptions
from guestagent.errors import DatabaseRefused, DatabaseUnsupported, SeedError
from guestagent.metadata.document import Tls
from guestagent.metadata.host_port import format_host_port
from guestagent.seeding.request import DonorEndpoint

LOGIN_TIMEOUT_S = 30.0
CONVERT_ADVICE = (
    "convert them at the source (ALTER TABLE .. ENGINE = InnoDB) and reseed, or set Seeding.Method: dump"
)
KEYRING_ADVICE = "load a keyring component here, too; its keys may be others than the source's"
IPV6_ADVICE = "give the source a name that resolves to this address, or set GuestAgent.Seeding.Method: dump"

DonorCheck = Callable[[DonorEndpoint, Mapping[str, str]], str]
"""Checks the donor of an endpoint for a recipient with these variables, and returns the donor's version."""


def build_clone_source(donor: DonorEndpoint, tls_options: TlsOptions, rate_limit: int) -> CloneSource:
    """Build the source of a CLONE. Raises SeedError if CLONE cannot name it."""
    if ":" in donor.host:
        raise SeedError(f"CLONE does not accept an IPv6 address: {donor.host}", IPV6_ADVICE)
    return CloneSource(
        host=donor.host,
        port=donor.port,
        user=donor.user,
        password=donor.password,
        tls_options=tls_options,
        rate_limit=rate_limit,
    )


def build_tls(donor: DonorEndpoint) -> Tls | None:
    """Build the TLS of the endpoint; None: encrypted only if the source offers it."""
    if not donor.requires_tls:
        return None
    return Tls(
        ca=donor.ca or None,
        verify=donor.verifies_name,
        certificate=donor.certificate or None,
        key=donor.key or None,
    )


def check_donor(donor: DonorEndpoint, recipient: Mapping[str, str]) -> str:
    """Log in to the source as CLONE will, and compare it with the recipient. Return its version. Raises SeedError.

    CLONE itself does not verify the name in the source's certificate, only its CA: this login verifies both.
    """
    try:
        with closing(
            connect_tcp(donor.host, donor.port, donor.user, donor.password, build_tls(donor), LOGIN_TIMEOUT_S)
        ) as connection:
            variables = read_global_variables(connection, VARIABLES)
            is_loaded = has_clone_plugin(connection)
            note = read_own_note(connection)
    except (NoAnswer, DatabaseRefused) as error:
        raise _build_login_error(donor, error) from error
    except DatabaseUnsupported as error:
        raise SeedError(f"the source: {error}", error.advice) from error
    obstacles = find_clone_obstacles(variables, recipient)
    if obstacles:
        raise SeedError(f"the source cannot be cloned to this server: {'; '.join(obstacles)}", CHOOSE_DUMP)
    if not is_loaded:
        raise SeedError("the source has not loaded the clone plugin", WAIT_FOR_AGENT, is_transient=True)
    check_copy_note(note, recipient)
    return variables["version"]


def check_copy_note(note: CopyNote | None, recipient: Mapping[str, str]) -> None:
    """Raise SeedError unless a clone of the source would have all of its data."""
    if note is None:
        reason = "the source's agent has not noted yet which of its tables can be cloned"
        raise SeedError(reason, WAIT_FOR_AGENT, is_transient=True)
    if note.uncloned_tables:
        names = ", ".join(note.uncloned_tables)
        raise SeedError(
            f"CLONE copies only InnoDB, and would leave these tables empty: {names}", CONVERT_ADVICE
        )
    if note.has_encrypted_tables and recipient[KEYRING] == "OFF":
        raise SeedError("the source has encrypted tables, and this server has no keyring", KEYRING_ADVICE)


def _build_login_error(donor: DonorEndpoint, error: NoAnswer | DatabaseRefused) -> SeedError:
    diagnosis = diagnose_error(ServerError(error.number, error.text), FailureStage.CONNECTING, RULES)
    address = format_host_port(donor.host, donor.port)
    reason = f"the donor account {donor.user} cannot log in to {address}: {diagnosis.meaning or error.text}"
    if diagnosis.meaning:
        reason += f" (error {error.number}: {error.text})"
    return SeedError(reason, diagnosis.advice, is_transient=diagnosis.kind is not FailureKind.FAIL)
