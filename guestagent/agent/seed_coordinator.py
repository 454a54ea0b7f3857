"""Requests the seed of a replica, follows it, and takes its result over into the journal."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from guestagent.agent.journal import Journal
from guestagent.agent.model import Condition, DesiredState, ObservedState, Readiness
from guestagent.agent.pause import Pause, add_pause_condition
from guestagent.agent.refusal import Refusal
from guestagent.agent.seed_decision import (
    SeedAction,
    decide_seed,
    is_abandoned,
    is_catching_up,
    judge_lost_state,
    judge_seed,
    judge_withdrawal,
    note_full_disk,
)
from guestagent.agent.seed_record import SeedRecord
from guestagent.database.state import ServerState, SourceState
from guestagent.metadata.document import Document, Donor, Source, Tls, UnresolvedFunction
from guestagent.secret import Secret
from guestagent.seeding import DonorEndpoint, MethodChoice, SeedFiles, SeedPhase, SeedRequest, SeedState
from guestagent.strict_json import UnreadableContent

LOG = logging.getLogger("guestagent")


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

    def follow(self, pause: Pause | None) -> Readiness | None:
        """Follow a requested seed. Return its readiness: the server must be left alone; None if nothing is going on.

        During a pause it goes on as it was requested, because a server whose data are half replaced helps nobody.
        """
        condition = self._follow(is_paused=pause is not None)
        if condition is None:
            return None
        return add_pause_condition(Readiness.from_conditions(condition), pause)

    def _follow(self, *, is_paused: bool) -> Condition | None:
        access, record = self._access, self._journal.state.seed
        if access is None or record is None:
            return None
        state, damage = _read_state(access.files)
        _remove_used_order(access.files, record, state)
        if record.is_done:
            self._count(record)
            return None
        if state is not None and state.id == record.id:
            self._seconds = state.elapsed_s
            if state.phase is SeedPhase.DONE:
                self._journal.complete_seed(record.complete(state))
                self._count(self._journal.state.seed)
                return None
            if state.phase.has_ended:
                is_ordered = access.files.has_reseed_order()
                return None if is_ordered else judge_seed(record, state, self._task)
        if is_paused and access.files.has_request_of(record.id):
            access.start_worker()
            return _add_disk_state(access, judge_seed(record, state, self._task))
        if self._refresh_request(access):
            self._adopt(access, record)
            access.start_worker()
            return _add_disk_state(access, judge_seed(record, state, self._task))
        return self._withdraw(access, record, state, damage)

    def _adopt(self, access: SeedAccess, record: SeedRecord) -> None:
        """Let the seed that is going on count for this generation, and for an order that has come meanwhile."""
        if record.task != self._task:
            self._journal.record_seed(replace(record, task=self._task))
        if access.files.has_reseed_order():
            LOG.warning("a seed is going on already: the order of another one is removed")
            access.files.remove_reseed_order()

    def _withdraw(
        self, access: SeedAccess, record: SeedRecord, state: SeedState | None, damage: str
    ) -> Condition | None:
        """Let the worker undo a seed that is not wanted any more. Until then the server may be stopped."""
        if damage:
            LOG.warning("%s cannot be read (%s): the seed is undone", access.files.state_path, damage)
            state = record.build_lost_state()
            if state is None:
                return judge_lost_state(str(access.files.state_path), damage)
            access.files.write_state(state)
        if state is None or state.id != record.id:
            return None
        access.start_worker()
        return _add_disk_state(access, judge_withdrawal(state))

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
        self._journal.record_seed(
            SeedRecord(
                request.id,
                self._task,
                request.replaces_data,
                method=str(request.method),
                order=access.files.read_order_id(),
                data_directory=request.data_directory,
            )
        )
        access.files.write_request(request)
        access.files.remove_reseed_order()
        access.start_worker()
        return judge_seed(SeedRecord(request.id, self._task), None, self._task)

    def _count(self, record: SeedRecord | None) -> None:
        """Let the seconds of a seed of this generation extend its deadline."""
        if record is not None and record.task == self._task:
            self._seconds = sum(seconds for _, seconds in record.phase_seconds)

    def _refresh_request(self, access: SeedAccess) -> bool:
        """Keep the request as the document has its donor. Return whether there is one: without it, none is wanted."""
        try:
            request = access.files.read_request()
        except UnreadableContent as error:
            LOG.warning("%s cannot be read (%s): it is removed", access.files.request_path, error)
            access.files.remove_request()
            return False
        seeding, source = self._document.section.seeding, self._document.source
        donor = seeding.donor
        is_wanted = request is not None and (
            # Its data are given up already: another seed has no reason to begin anew.
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


def _add_disk_state(access: SeedAccess, condition: Condition | None) -> Condition | None:
    """Add to the condition of a seed that goes on that its disk is full."""
    if condition is None or access.has_room():
        return condition
    return note_full_disk(condition, str(access.files.folder))


def _read_state(files: SeedFiles) -> tuple[SeedState | None, str]:
    """Read the worker's state, and why it cannot be read, "" if it can."""
    try:
        return files.read_state(), ""
    except UnreadableContent as error:
        return None, str(error)


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
