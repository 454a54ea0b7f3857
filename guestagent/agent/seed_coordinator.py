"""Requests the seed of a replica, follows it, and takes its result over into the journal."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from guestagent.agent.journal import Journal
from guestagent.agent.model import Condition, DesiredState, ObservedState, Readiness
from guestagent.agent.refusal import Refusal
from guestagent.agent.seed_decision import (
    SeedAction,
    decide_seed,
    is_abandoned,
    is_catching_up,
    judge_seed,
    note_full_disk,
)
from guestagent.agent.seed_record import SeedRecord
from guestagent.database.state import ServerState, SourceState
from guestagent.metadata.document import Document, Donor, Source, Tls, UnresolvedFunction
from guestagent.secret import Secret
from guestagent.seeding import DonorEndpoint, MethodChoice, SeedFiles, SeedPhase, SeedRequest, SeedState
from guestagent.strict_json import UnreadableContent


@dataclass(frozen=True, slots=True)
class SeedAccess:
    """How a pass reaches the seed worker. `socket` is the local server's.

    `start_worker` starts it unless it runs. `read_marker` returns the id of the seed to which a data directory belongs,
    "" if there is none. `has_room`: whether a file can be written to the disk of the seed's state.
    """

    files: SeedFiles
    socket: str
    start_worker: Callable[[], None] = lambda: None
    read_marker: Callable[[str], str] = lambda data_directory: ""
    has_room: Callable[[], bool] = lambda: True


class SeedCoordinator:
    """The seed of one document's replica. Without `access` nothing is seeded."""

    def __init__(self, document: Document, task: str, access: SeedAccess | None, journal: Journal) -> None:
        self._document, self._task, self._access, self._journal = document, task, access, journal
        self._seconds = 0.0

    def compute_extension(self, readiness: Readiness) -> float:
        """Compute the seconds that the deadline of the work is extended by.

        They are those of the seed, as far as they are allowed. A replica that joins may use all of them while it only
        has to execute what its channel receives: all binary logs, or those since the copy.
        """
        seeding = self._document.section.seeding
        if seeding.donor is not None and is_catching_up(readiness):
            return float(seeding.deadline)
        return min(self._seconds, float(seeding.deadline))

    def follow(self) -> Condition | None:
        """Follow a requested seed. Return its condition: the server must be left alone; None if nothing is going on."""
        access, record = self._access, self._journal.state.seed
        if access is None or record is None:
            return None
        state = self._read_state(access)
        _remove_used_order(access.files, record, state)
        if record.is_done:
            self._count(record)
            return None
        condition = judge_seed(record, state, self._task)
        if state is not None and state.id == record.id:
            self._seconds = state.elapsed_s
            if state.phase is SeedPhase.DONE:
                self._journal.complete_seed(record.complete(state))
                self._count(self._journal.state.seed)
                return None
            if state.phase.has_ended:
                return None if access.files.has_reseed_order() else condition
        if not self._refresh_request(access) and (state is None or state.id != record.id):
            return None
        # Without a request, the worker removes what it has left. Until then the server may be stopped.
        access.start_worker()
        if condition is not None and not access.has_room():
            return note_full_disk(condition, str(access.files.folder))
        return condition

    def begin(
        self, desired: DesiredState, observed: ObservedState, refusal: Refusal | None
    ) -> Condition | None:
        """Request a seed if one is needed. Return its condition; None if the work goes on without one."""
        access, server = self._access, observed.server
        if access is None:
            return None
        record = self._journal.state.seed
        is_ordered = access.files.has_reseed_order()
        decision = decide_seed(
            desired,
            observed,
            refusal,
            record,
            self._task,
            is_reseed_ordered=is_ordered,
            marker="" if record is None or record.is_done else access.read_marker(server.data_directory),
        )
        if decision.action is SeedAction.NONE and refusal is None and is_abandoned(record, server):
            self._journal.forget_seed()
        if decision.action is not SeedAction.START or decision.choice is None:
            return decision.condition
        request = self._build_request(access, decision.choice, desired, observed, record, is_ordered)
        if request is None:
            return decision.condition
        access.files.forget_state()
        # Before the request: whoever finds half-copied data must know that they are this seed's.
        order = access.files.read_order_id()
        self._journal.record_seed(SeedRecord(request.id, self._task, request.replaces_data, order=order))
        access.files.write_request(request)
        access.files.remove_reseed_order()
        access.start_worker()
        return judge_seed(SeedRecord(request.id, self._task), None, self._task)

    def _count(self, record: SeedRecord | None) -> None:
        """Let the seconds of a seed of this generation extend its deadline."""
        if record is not None and record.task == self._task:
            self._seconds = sum(seconds for _, seconds in record.phase_seconds)

    def _read_state(self, access: SeedAccess) -> SeedState | None:
        """Read the worker's state. One that cannot be read says nothing: the worker writes it again."""
        try:
            return access.files.read_state()
        except UnreadableContent:
            return None

    def _refresh_request(self, access: SeedAccess) -> bool:
        """Keep the request as the document has its donor. Return whether there is one: without it, none is wanted."""
        try:
            request = access.files.read_request()
        except UnreadableContent:
            access.files.remove_request()
            return False
        seeding, source = self._document.section.seeding, self._document.source
        donor = seeding.donor
        is_wanted = request is not None and (
            # Without its old data a server does not start, so only the seed that has discarded them can go on.
            seeding.method in ("auto", request.method) or request.discards_data
        )
        if request is None or donor is None or source is None or not is_wanted:
            if request is not None:
                access.files.remove_request()
            return False
        endpoint = _build_endpoint(source, donor, self._document.section.tls, request.donor.requires_tls)
        if endpoint is not None and endpoint != request.donor:
            access.files.write_request(replace(request, donor=endpoint))
        return True

    def _build_request(
        self,
        access: SeedAccess,
        choice: MethodChoice,
        desired: DesiredState,
        observed: ObservedState,
        record: SeedRecord | None,
        is_reseed_ordered: bool,
    ) -> SeedRequest | None:
        seeding, source, server = desired.seeding, desired.source, observed.server
        if choice.method is None or seeding.donor is None or source is None:
            return None
        endpoint = _build_endpoint(source, seeding.donor, desired.tls, _offers_tls(observed.source))
        if endpoint is None:
            return None
        is_unfinished = record is not None and not record.is_done
        return SeedRequest(
            id=record.id if is_unfinished and record is not None else uuid.uuid4().hex,
            method=choice.method,
            family=server.history.family.lower(),
            node=self._document.section.node or "node",
            socket=access.socket,
            data_directory=server.data_directory,
            donor=endpoint,
            rate_limit=seeding.rate_limit or 0,
            deadline_s=seeding.deadline,
            replaces_data=_holds_data(server) and (is_reseed_ordered or seeding.reseed),
            discards_data=seeding.discard or access.files.has_discard_order(),
            reason=f"{'; '.join(choice.reasons)}; {choice.cost}",
        )


def _remove_used_order(files: SeedFiles, record: SeedRecord, state: SeedState | None) -> None:
    """Remove the order that this seed carries out, if the agent was killed between its request and that."""
    if not record.order or record.order != files.read_order_id():
        return
    if files.has_request_of(record.id) or (state is not None and state.id == record.id):
        files.remove_reseed_order()


def _holds_data(server: ServerState) -> bool:
    return not server.history.is_empty or bool(server.schemas) or server.channel is not None


def _offers_tls(source: SourceState | None) -> bool:
    return source is not None and source.tls is True


def _build_endpoint(source: Source, donor: Donor, tls: Tls | None, offers_tls: bool) -> DonorEndpoint | None:
    """Build the endpoint of the donor; None if the document is not resolved."""
    password, fingerprint = donor.user.password, donor.fingerprint
    ca, certificate, key = (None, None, None) if tls is None else (tls.ca, tls.certificate, tls.key)
    if not isinstance(password, Secret) or isinstance(fingerprint, UnresolvedFunction):
        return None
    if isinstance(ca, UnresolvedFunction) or isinstance(certificate, UnresolvedFunction):
        return None
    if isinstance(key, UnresolvedFunction):
        return None
    return DonorEndpoint(
        host=str(source.address),
        port=source.port,
        user=str(donor.user.name),
        password=password,
        stream_port=donor.port,
        fingerprint=fingerprint or "",
        ca=ca or "",
        requires_tls=tls.required if tls is not None else offers_tls,
        verifies_name=tls is not None and ca is not None and tls.verify,
        certificate=certificate or "",
        key=key or Secret(""),
    )
