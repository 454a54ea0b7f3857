"""The database server against its document: every condition of readiness, and the way to a replica's source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from guestagent.agent import parts
from guestagent.agent.doctor.finding import Finding, Grade, Topic
from guestagent.agent.doctor.ground import disk_findings
from guestagent.agent.doctor.place import way
from guestagent.agent.doctor.probes import Probes
from guestagent.agent.edges import Edges
from guestagent.agent.looking import look, try_logins
from guestagent.agent.model import Agreement, Condition, Desired, Observed
from guestagent.agent.readiness import readiness
from guestagent.agent.source_history import recall_parting
from guestagent.database.edge import Database
from guestagent.database.refusals import diagnose_refusal
from guestagent.database.silence_advice import advise_on_silence
from guestagent.database.state import ServerState, SourceState
from guestagent.errors import DatabaseError, DatabaseRefused, DatabaseUnreachable
from guestagent.metadata.document import Document, Role

SERVER, SOURCE, PORT = Topic("server"), Topic("source"), Topic("port")
UNHEARD = "is the source up; check its bind-address, port, and the security group between the nodes"
UNREACHED = "bind-address of this server's option file must admit the other nodes (*)"
NOWHERE = "are network, routes and DNS up? ip address, ip route"
GRADES = {Agreement.FINAL: Grade.FAIL, Agreement.PENDING: Grade.WARN, Agreement.HELD: Grade.OK}


def server_findings(document: Document, edges: Edges, probes: Probes) -> Iterator[Finding]:
    """What a pass would see, and judge, without doing anything about it."""
    if document.source is not None:
        yield from way(SOURCE, str(document.source.address), document.source.port, probes, UNHEARD)
    try:
        with closing(edges.open()) as database:
            yield from _looked_at(document, edges, database, probes)
    except DatabaseRefused as error:
        yield SERVER.fail("answer", str(error), diagnose_refusal(error).do)
    except DatabaseUnreachable as error:
        yield SERVER.fail("answer", str(error), advise_on_silence(str(error)))
    except DatabaseError as error:
        yield SERVER.fail("answer", str(error))


def _looked_at(document: Document, edges: Edges, database: Database, probes: Probes) -> Iterator[Finding]:
    towards = parts.home(document) if document.source is None else str(document.source.address)
    address = edges.address_towards(towards)
    desired = Desired.of(document, database.dialect, address)
    source = None if document.source is None else look(edges.view, document.source, document.section.tls)
    server = database.observe()
    target = None if source is None else source.history
    network = document.section.network
    tried = dict(try_logins(edges.view, desired, server, address, network))
    parting = recall_parting(edges.journal.memory, document.source, source)
    observed = Observed(
        server, source=source, target=target, logins=tried, lost_journal=edges.journal.loss, parting=parting
    )
    for condition in reversed(
        readiness(desired, observed, edges.journal.memory, database.dialect).conditions
    ):
        yield _graded(condition)
    if server.folder:
        yield from disk_findings({"data": Path(server.folder)}, probes)
    if source is not None and source.version is not None:
        yield _versions(server, source)
    if server.channel is not None:
        yield SOURCE.ok("encryption of the channel", str(server.channel.tls))
    if address is None:
        yield PORT.warn("address", f"no way towards {towards}, so this node's own is not known", NOWHERE)
    elif document.role is Role.SOURCE:
        yield from way(PORT, address, server.port, probes, UNREACHED)


def _graded(condition: Condition) -> Finding:
    held = condition.agreement is Agreement.HELD
    seen = condition.seen if held else f"wanted {condition.wanted}, seen {condition.seen}"
    return Finding(
        SERVER.name, condition.name, GRADES[condition.agreement], seen, "" if held else condition.do
    )


def _versions(server: ServerState, source: SourceState) -> Finding:
    here, there = _numbers(server.version), _numbers(source.version or "")
    said = f"{server.version} here, {source.version} at the source"
    if here < there:
        return SOURCE.warn(
            "versions", said, "a replica must not be older than its source: take a newer image"
        )
    return SOURCE.ok("versions", said)


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else ()
