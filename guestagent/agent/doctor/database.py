"""The database server against its document: every condition of readiness, and the way to a replica's source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from guestagent.agent import wiring
from guestagent.agent.conditions import judge_readiness
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.divergence_journal import find_known_divergence
from guestagent.agent.doctor.agent import check_disks
from guestagent.agent.doctor.connectivity import check_connectivity
from guestagent.agent.doctor.finding import Finding, Grade, Topic
from guestagent.agent.doctor.probes import Probes
from guestagent.agent.model import Condition, ConditionState, DesiredState, ObservedState
from guestagent.agent.observe import observe_source, try_logins
from guestagent.agent.preconditions import find_refusal
from guestagent.database.connection_advice import get_connection_advice
from guestagent.database.protocols import Database
from guestagent.database.state import ServerState, SourceState
from guestagent.database.statement_errors import diagnose_statement_error
from guestagent.errors import DatabaseError, DatabaseRefused, DatabaseUnreachable
from guestagent.metadata.document import Document, Role

SERVER, SOURCE, PORT = Topic("server"), Topic("source"), Topic("port")
SOURCE_ADVICE = "is the source up; check its bind-address, port, and the security group between the nodes"
BIND_ADDRESS_ADVICE = "bind-address of this server's option file must admit the other nodes (*)"
NETWORK_ADVICE = "are network, routes and DNS up? ip address, ip route"
GRADES = {ConditionState.FINAL: Grade.FAIL, ConditionState.PENDING: Grade.WARN, ConditionState.HELD: Grade.OK}


def check_database(document: Document, edges: PassDependencies, probes: Probes) -> Iterator[Finding]:
    """What a pass would see, and judge, without doing anything about it."""
    if document.source is not None:
        yield from check_connectivity(
            SOURCE, str(document.source.address), document.source.port, probes, SOURCE_ADVICE
        )
    try:
        with closing(edges.open_database()) as database:
            yield from _looked_at(document, edges, database, probes)
    except DatabaseRefused as error:
        yield SERVER.report_failure("answer", str(error), diagnose_statement_error(error).advice)
    except DatabaseUnreachable as error:
        yield SERVER.report_failure("answer", str(error), get_connection_advice(str(error)))
    except DatabaseError as error:
        yield SERVER.report_failure("answer", str(error))


def _looked_at(
    document: Document, edges: PassDependencies, database: Database, probes: Probes
) -> Iterator[Finding]:
    towards = wiring.find_handle_host(document) if document.source is None else str(document.source.address)
    address = edges.find_own_address(towards)
    desired = DesiredState.from_document(document, database.dialect, address)
    source = (
        None
        if document.source is None
        else observe_source(edges.source_view, document.source, document.section.tls)
    )
    server = database.observe()
    target = None if source is None else source.history
    network = document.section.network
    tried = dict(try_logins(edges.source_view, desired, server, address, network))
    parting = find_known_divergence(edges.journal.state, document.source, source)
    observed = ObservedState(
        server,
        source=source,
        target_history=target,
        login_errors=tried,
        lost_journal=edges.journal.loss,
        divergence=parting,
    )
    for condition in reversed(
        judge_readiness(
            desired, observed, find_refusal(desired, observed), edges.journal.state, database.dialect
        ).conditions
    ):
        yield _graded(condition)
    if server.data_directory:
        yield from check_disks({"data": Path(server.data_directory)}, probes)
    if source is not None and source.version is not None:
        yield _versions(server, source)
    if server.channel is not None:
        yield SOURCE.report_ok("encryption of the channel", str(server.channel.tls))
    if address is None:
        yield PORT.report_warning(
            "address", f"no way towards {towards}, so this node's own is not known", NETWORK_ADVICE
        )
    elif document.role is Role.SOURCE:
        yield from check_connectivity(PORT, address, server.port, probes, BIND_ADDRESS_ADVICE)


def _graded(condition: Condition) -> Finding:
    held = condition.state is ConditionState.HELD
    seen = condition.actual if held else f"wanted {condition.expected}, seen {condition.actual}"
    return Finding(
        SERVER.name, condition.name, GRADES[condition.state], seen, "" if held else condition.advice
    )


def _versions(server: ServerState, source: SourceState) -> Finding:
    here, there = _numbers(server.version), _numbers(source.version or "")
    said = f"{server.version} here, {source.version} at the source"
    if here < there:
        return SOURCE.report_warning(
            "versions", said, "a replica must not be older than its source: take a newer image"
        )
    return SOURCE.report_ok("versions", said)


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else ()
