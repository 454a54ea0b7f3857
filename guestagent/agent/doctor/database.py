"""The database server against its document: every condition of readiness, and the connection to a replica's source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from guestagent.agent import wiring
from guestagent.agent.conditions import judge_readiness
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.divergence_journal import find_known_divergence
from guestagent.agent.doctor.connectivity import check_connectivity
from guestagent.agent.doctor.disk import check_disks
from guestagent.agent.doctor.finding import Finding, Topic
from guestagent.agent.doctor.probes import Probes
from guestagent.agent.doctor.seed_remains import check_seed_remains
from guestagent.agent.donor_record import update_donor_records
from guestagent.agent.model import DesiredState, ObservedState
from guestagent.agent.observe import find_node_refusal, observe_source, try_logins
from guestagent.database.local_server_advice import get_connection_advice
from guestagent.database.protocols import Database
from guestagent.database.server_version import parse_version
from guestagent.database.state import ServerState, SourceState
from guestagent.database.statement_diagnosis import diagnose_statement_error
from guestagent.errors import DatabaseError, DatabaseRefused, DatabaseUnreachable
from guestagent.metadata.document import Document, Role

SERVER, SOURCE, PORT = Topic("server"), Topic("source"), Topic("port")
SOURCE_ADVICE = (
    "check that the source runs, its bind-address and port, and the security group between the nodes"
)
BIND_ADDRESS_ADVICE = "set bind-address in this server's option file so that other nodes can connect (*)"
NETWORK_ADVICE = "check network, routes and DNS: ip address, ip route"


def check_database(document: Document, dependencies: PassDependencies, probes: Probes) -> Iterator[Finding]:
    """Observe and judge as a pass does, and change nothing."""
    if document.source is not None:
        yield from check_connectivity(
            SOURCE, str(document.source.address), document.source.port, probes, SOURCE_ADVICE
        )
    try:
        with closing(dependencies.open_database()) as database:
            yield from _check_server(document, dependencies, database, probes)
    except DatabaseRefused as error:
        yield SERVER.report_failure("answer", str(error), diagnose_statement_error(error).advice)
    except DatabaseUnreachable as error:
        configuration = dependencies.configuration
        actual = str(error) if configuration is None else configuration.describe_silence(str(error))
        yield SERVER.report_failure("answer", actual, get_connection_advice(str(error)))
    except DatabaseError as error:
        yield SERVER.report_failure("answer", str(error))


def _check_server(
    document: Document, dependencies: PassDependencies, database: Database, probes: Probes
) -> Iterator[Finding]:
    peer = wiring.find_handle_host(document) if document.source is None else str(document.source.address)
    address = dependencies.find_own_address(peer)
    desired = DesiredState.from_document(document, database.dialect, address)
    source = (
        None
        if document.source is None
        else observe_source(dependencies.source_view, document.source, document.section.tls)
    )
    server, memory = database.observe(), dependencies.journal.state
    donors = update_donor_records(memory.donors, desired.joining_replicas, server.replica_users)
    desired = desired.remove_finished_seeds(donors)
    observed = _observe(document, dependencies, desired, server, source, address)
    refusal = find_node_refusal(desired, observed, dependencies)
    readiness = judge_readiness(desired, observed, refusal, memory, database.dialect)
    yield from (Finding(SERVER.name, condition) for condition in reversed(readiness.conditions))
    if server.data_directory:
        yield from check_disks({"data": Path(server.data_directory)}, probes)
        yield from check_seed_remains(server.data_directory, memory.seed)
    if source is not None and source.version is not None:
        yield _compare_versions(server, source)
    if server.channel is not None:
        yield SOURCE.report_ok("encryption of the channel", str(server.channel.tls))
    if address is None:
        yield PORT.report_warning(
            "address", f"no route to {peer}, so this node's own address is unknown", NETWORK_ADVICE
        )
    elif document.role is Role.SOURCE:
        yield from check_connectivity(PORT, address, server.port, probes, BIND_ADDRESS_ADVICE)


def _observe(
    document: Document,
    dependencies: PassDependencies,
    desired: DesiredState,
    server: ServerState,
    source: SourceState | None,
    address: str | None,
) -> ObservedState:
    journal, network = dependencies.journal, document.section.network
    return ObservedState(
        server,
        source=source,
        target_history=None if source is None else source.history,
        login_errors=dict(try_logins(dependencies.source_view, desired, server, address, network)),
        lost_journal=journal.loss,
        divergence=find_known_divergence(journal.state, document.source, source),
    )


def _compare_versions(server: ServerState, source: SourceState) -> Finding:
    own_version, source_version = parse_version(server.version)[:2], parse_version(source.version or "")[:2]
    versions = f"{server.version} here, {source.version} at the source"
    if own_version < source_version:
        return SOURCE.report_warning(
            "versions", versions, "a replica must not be older than its source: use a newer image"
        )
    return SOURCE.report_ok("versions", versions)
