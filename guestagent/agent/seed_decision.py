"""Whether a replica needs a copy of its source's data, and how far a requested one is. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from guestagent.agent.model import Condition, ConditionState, DesiredState, ObservedState, Readiness
from guestagent.agent.refusal import Refusal
from guestagent.agent.seed_record import SeedRecord
from guestagent.database.state import ServerState
from guestagent.metadata.document import Role, Seeding
from guestagent.seeding.method import MethodChoice, SeedFacts, SeedMethod, choose_method
from guestagent.seeding.state import SeedPhase, SeedState

NAME = "seed"
EXPECTED = "a copy of the source's data"
RESEED_ADVICE = (
    "`guestagent reseed` on this node, or `guestagent cluster repair STACK NODE --reseed`, begins another seed; "
    "docs/troubleshooting/seed.md"
)
WORKER_ADVICE = "the agent starts its worker at every pass: see `systemctl status guestagent-seed`"
CATCH_UP_CONDITIONS = frozenset({"lag", "history"})
CURABLE_REFUSALS = frozenset({"history", "data", "skipped changes"})
"""Reasons not to touch a replica that a new copy of the data ends."""


class SeedAction(Enum):
    """NONE: go on without a seed. WAIT: nothing can be decided yet. BLOCKED: a seed is needed and impossible."""

    NONE = "none"
    WAIT = "wait"
    START = "start"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class SeedDecision:
    """What to do, with the chosen method if there is one, and the condition that goes with it."""

    action: SeedAction
    choice: MethodChoice | None = None
    condition: Condition | None = None


NO_SEED = SeedDecision(SeedAction.NONE)


def decide_seed(
    desired: DesiredState,
    observed: ObservedState,
    refusal: Refusal | None,
    record: SeedRecord | None,
    task: str,
    *,
    is_reseed_ordered: bool,
    marker: str,
) -> SeedDecision:
    """Decide whether a seed must begin.

    `record` is the newest seed in the journal, `task` the present generation. `is_reseed_ordered`: a person has asked
    for it on this node. `marker` is the id of the seed to which the data directory belongs, "" if it is nobody's.
    """
    seeding, server = desired.seeding, observed.server
    is_own = has_unfinished_data(record, marker)
    is_half_copied = is_own and not is_empty(server)
    if desired.role is not Role.REPLICA:
        return HALF_COPIED if is_half_copied else NO_SEED
    is_reseed = is_reseed_ordered or is_reseed_due(seeding, record, task)
    if not is_reseed and not is_own and not is_empty(server):
        return NO_SEED
    if refusal is not None and not ((is_reseed or is_own) and refusal.name in CURABLE_REFUSALS):
        return NO_SEED  # it is reported, and may not be about the data
    if seeding.donor is None:
        if not is_reseed:
            return HALF_COPIED if is_half_copied else NO_SEED
        return _block(
            "no Seeding.Donor in the document", "add the donor: `guestagent cluster repair` does it"
        )
    source = observed.source
    if source is None or source.history is None or source.version is None:
        actual = "not begun: the source has not answered yet"
        return SeedDecision(SeedAction.WAIT, condition=_build_condition(ConditionState.PENDING, actual))
    facts = SeedFacts(
        server.history.family.lower(),
        server.version,
        source.version,
        has_donor=True,
        has_all_logs=source.has_all_logs and not source.unlogged_gtids,
        log_bytes=seeding.log_bytes,
        data_bytes=seeding.data_bytes,
        is_reseed=is_reseed,
    )
    choice = choose_method(facts, seeding.method)
    if choice.method is None:
        return _block("; ".join(choice.reasons), "see docs/explanation/seeding.md for the methods")
    if choice.method is SeedMethod.REPLAY:
        if is_reseed:
            return _block("replay cannot replace data", "choose another Seeding.Method")
        if is_half_copied:
            return HALF_COPIED
        return SeedDecision(SeedAction.NONE, choice)
    return SeedDecision(SeedAction.START, choice)


def is_reseed_due(seeding: Seeding, record: SeedRecord | None, task: str) -> bool:
    """Return whether the document asks for new data in this generation, and they are not there yet."""
    return seeding.reseed and (record is None or record.task != task or not record.is_done)


def has_unfinished_data(record: SeedRecord | None, marker: str) -> bool:
    """Return whether the data directory is what an unfinished seed has left: journal and marker agree about that."""
    return record is not None and not record.is_done and marker == record.id


def is_abandoned(record: SeedRecord | None, server: ServerState) -> bool:
    """Return whether an unfinished seed has left no data. What comes without it is not its own."""
    return record is not None and not record.is_done and is_empty(server)


def is_empty(server: ServerState) -> bool:
    """Return whether nothing is lost if the data are written over."""
    has_foreign_account = any(not account.is_marked for account in server.accounts)
    return (
        server.channel is None and server.history.is_empty and not server.schemas and not has_foreign_account
    )


def judge_seed(record: SeedRecord, state: SeedState | None, task: str) -> Condition | None:
    """Judge a requested seed that the journal does not know as complete; None if it is complete, or due again."""
    if state is None or state.id != record.id:
        return _build_condition(ConditionState.PENDING, "requested, not begun yet", WORKER_ADVICE)
    if state.phase is SeedPhase.DONE:
        return None
    if state.phase is SeedPhase.FAILED:
        if record.task != task or state.is_withdrawn:
            return None  # a new generation is a new attempt
        advice = "; ".join(filter(None, (state.advice, RESEED_ADVICE)))
        return _build_condition(ConditionState.FINAL, f"{state.method} failed: {state.failure}", advice)
    return _build_condition(ConditionState.PENDING, state.describe())


def note_full_disk(condition: Condition, folder: str) -> Condition:
    """Add that the worker cannot write the seed's state: what it has written before goes on being shown."""
    actual = f"{condition.actual}; the disk of {folder} is full, and the seed waits for room"
    return replace(condition, actual=actual, advice="free some space")


def judge_withdrawal(state: SeedState) -> Condition:
    """Judge a seed that is not wanted any more, until its worker has undone it."""
    actual = f"withdrawn while {state.phase}: it is undone, which gives the server its old data or empties it"
    return _build_condition(ConditionState.PENDING, f"{actual}; {state.failure}" if state.failure else actual)


def judge_lost_state(path: str, reason: str) -> Condition:
    """Judge a withdrawn seed of which nothing is known: neither the worker's state nor the journal tells."""
    advice = f"look at the server's data, then remove {path}; {RESEED_ADVICE}"
    return _build_condition(
        ConditionState.FINAL, f"the state of the seed cannot be read: {path} ({reason})", advice
    )


def is_catching_up(readiness: Readiness) -> bool:
    """Return whether the channel runs, and nothing but transactions of the source is missing."""
    unmet = {each.name for each in readiness.conditions if each.state is not ConditionState.HELD}
    has_channel = any(each.name == "receiver" for each in readiness.conditions)
    return has_channel and not readiness.is_final and unmet <= CATCH_UP_CONDITIONS


def _block(actual: str, advice: str) -> SeedDecision:
    return SeedDecision(SeedAction.BLOCKED, condition=_build_condition(ConditionState.FINAL, actual, advice))


def _build_condition(state: ConditionState, actual: str, advice: str = "") -> Condition:
    return Condition(NAME, state, EXPECTED, actual, advice)


HALF_COPIED = _block(
    "the server holds the data of a seed that is incomplete, and the document asks for no copy any more",
    "`guestagent cluster repair STACK NODE --reseed` completes them; or remove the node and add another one",
)
"""Neither a channel nor accounts may be added to such data."""
