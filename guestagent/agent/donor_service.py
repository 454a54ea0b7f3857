"""The donor of backup streams on a MariaDB source: configured and started while a replica waits for its data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from guestagent import atomic_file
from guestagent.agent.donor_record import DonorEntry, DonorRecord, find_finished_entries
from guestagent.database.state import ServerState
from guestagent.metadata.document import Document, DonorService, JoiningReplica, Role
from guestagent.secret import Secret
from guestagent.seeding.donor import configuration as donor_configuration
from guestagent.seeding.donor.configuration import MIN_LEASE_S, DonorConfiguration
from guestagent.strict_json import UnreadableContent

STREAM_METHODS = frozenset({"auto", "backup"})
STREAM_FAMILY = "mariadb"


@dataclass(frozen=True, slots=True)
class DonorAccess:
    """How a pass reaches the donor. `configuration` is its file, `socket` the local server's.

    `start` starts it unless it runs. It ends by itself when the file is gone, and when no pass has renewed it for
    `lease_s` seconds: the agent is stopped, its document cannot be read, or the server does not answer.
    """

    configuration: Path
    socket: str
    start: Callable[[], None] = lambda: None
    lease_s: float = MIN_LEASE_S

    def serve(self, document: Document, server: ServerState, records: Iterable[DonorRecord]) -> None:
        """Let the donor serve the replicas of the document that still wait for their data; end it if there are none.

        Raises StorageError if its file cannot be written.
        """
        configuration = plan_donor(document, server, records, self.socket)
        if configuration is None:
            self.end()
            return
        configuration = replace(configuration, lease_s=self.lease_s)
        donor_configuration.write_configuration(self.configuration, configuration)
        donor_configuration.renew_lease(self.configuration)
        self.start()

    def restrict(self, document: Document, records: Iterable[DonorRecord]) -> None:
        """Let a donor that runs serve no more replicas than those that may still wait; end it if there are none.

        It needs no server, so that it is possible in every pass. Raises StorageError as `serve` does.
        """
        try:
            configuration = donor_configuration.read_configuration(self.configuration)
        except UnreadableContent:
            self.end()
            return
        if configuration is None:
            return
        restricted = restrict_donor(configuration, document, records)
        if restricted is None:
            self.end()
            return
        donor_configuration.write_configuration(self.configuration, restricted)

    def renew(self) -> None:
        """Let a donor that runs go on."""
        donor_configuration.renew_lease(self.configuration)

    def end(self) -> None:
        """End the donor, if there is one."""
        atomic_file.remove_file(self.configuration)


def plan_donor(
    document: Document, server: ServerState, records: Iterable[DonorRecord], socket: str
) -> DonorConfiguration | None:
    """Return what the donor must serve; None if no replica waits for a stream."""
    donor = document.section.donor
    if document.role is not Role.SOURCE or donor is None:
        return None
    if server.history.family.lower() != STREAM_FAMILY:
        return None
    replicas = list_waiting_replicas(donor, records)
    if not replicas:
        return None
    return DonorConfiguration(
        port=donor.port,
        socket=socket,
        data_directory=server.data_directory,
        replicas=tuple(
            donor_configuration.AdmittedReplica(
                each.node, str(each.user.name), _require_secret(each.user.password)
            )
            for each in replicas
        ),
        certificate="" if donor.certificate is None else str(donor.certificate),
        key=Secret("") if donor.key is None else _require_secret(donor.key),
        rate_limit=donor.rate_limit or 0,
    )


def restrict_donor(
    configuration: DonorConfiguration, document: Document, records: Iterable[DonorRecord]
) -> DonorConfiguration | None:
    """Return the configuration without the replicas that do not wait any more, or have another password now.

    None if none is left.
    """
    donor = document.section.donor
    if document.role is not Role.SOURCE or donor is None:
        return None
    passwords = {
        DonorEntry.from_replica(each): each.user.password for each in list_waiting_replicas(donor, records)
    }
    replicas = tuple(
        each
        for each in configuration.replicas
        if passwords.get(DonorEntry(each.node, each.user)) == each.password
    )
    return replace(configuration, replicas=replicas) if replicas else None


def list_waiting_replicas(donor: DonorService, records: Iterable[DonorRecord]) -> tuple[JoiningReplica, ...]:
    """List the replicas that may still ask for a stream."""
    finished = find_finished_entries(records)
    return tuple(
        each
        for each in donor.replicas
        if each.method in STREAM_METHODS and DonorEntry.from_replica(each) not in finished
    )


def _require_secret(value: object) -> Secret:
    assert isinstance(value, Secret), "a pass has a document without functions"
    return value
