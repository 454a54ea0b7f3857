"""A person's word on a parting: what is asked, what is refused, and what stays as it is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from guestagent.agent import metadata_files, wiring
from guestagent.agent.accept_source import HistoryComparison, accept_diverged_source
from guestagent.agent.divergence import Divergence, SourceIdentity
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.agent.settings import Settings, load_settings
from guestagent.database.channel_options import UnexpectedOption
from guestagent.database.harmful_settings import ReplicationSetting, ReplicationSide
from guestagent.database.state import ServerState, SourceState
from guestagent.errors import NotReady
from guestagent.metadata import Document, dump
from guestagent.retry import SystemClock
from tests.support.agent_states import build_channel, build_failed_source, build_server, build_source_state
from tests.unit.golden.agent_work import FOLLOWER, SOURCE
from tests.unit.golden.guest_files import open_parts
from tests.unit.golden.node_commands import use_server, write_settings

HERE = SourceIdentity("10.0.0.7", 3306)
REPLICA = build_server("0-7-5")
FILTER = ReplicationSetting(
    "replicate_ignore_db", "d", ReplicationSide.REPLICA, "SET GLOBAL replicate_ignore_db = ''"
)
SKIPPED_ERRORS = ReplicationSetting("replica_skip_errors", "1032", ReplicationSide.REPLICA)
NEXT_SKIPPED = ReplicationSetting(
    "sql_replica_skip_counter",
    "1",
    ReplicationSide.REPLICA,
    "SET GLOBAL sql_replica_skip_counter = 0",
    is_pending=True,
)
IGNORED_IDS = UnexpectedOption("IGNORE_SERVER_IDS", "7", can_skip_changes=True)
DELAY = UnexpectedOption("MASTER_DELAY", "3600")
LATER, BEHIND = build_source_state("0-7-9"), build_source_state("0-7-4")


@dataclass
class Person:
    """Somebody at a terminal. `shown`: what was shown before the answer."""

    accepts: bool = True
    shown: list[HistoryComparison] = field(default_factory=list)

    def answer(self) -> bool:
        return self.accepts


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A replica that has diverged from its source."""
    loaded = load_settings(write_settings(tmp_path))
    store_document(loaded, FOLLOWER)
    open_parts(loaded.state_folder).journal.record_divergence(
        Divergence(HERE, errant="0-7-5", history="0-7-4")
    )
    return loaded


def store_document(loaded: Settings, document: Document) -> None:
    metadata_files.store_document(
        loaded.state_folder,
        CollectedDocument.from_document(json.loads(json.dumps(dump(document))), Path("cfn.json"), ""),
    )


def run_accept(
    settings: Settings, person: Person, *seen: SourceState, replica: ServerState = REPLICA
) -> HistoryComparison:
    with use_server(replica, *seen):
        return accept_diverged_source(settings, person.shown.append, person.answer)


def has_diverged(settings: Settings) -> bool:
    return any(not each.accepted for each in open_parts(settings.state_folder).journal.state.divergences)


def test_a_person_accepts_a_source_that_has_all(settings: Settings) -> None:
    person = Person()

    compared = run_accept(settings, person, LATER)

    assert (compared.missing_on_source, compared.missing_on_replica) == ("", "0-7-9")
    assert person.shown == [compared]
    assert not has_diverged(settings)


def test_nothing_changes_if_the_person_declines(settings: Settings) -> None:
    with pytest.raises(NotReady, match="was not accepted"):
        run_accept(settings, Person(accepts=False), LATER)

    assert has_diverged(settings)


def test_a_source_that_lacks_something_is_shown_and_refused(settings: Settings) -> None:
    person = Person()

    with pytest.raises(NotReady, match="still lacks 0-7-5"):
        run_accept(settings, person, BEHIND)

    assert person.shown
    assert has_diverged(settings)


def test_a_source_that_lost_something_while_the_person_thought_is_refused(settings: Settings) -> None:
    with pytest.raises(NotReady, match="still lacks"):
        run_accept(settings, Person(), LATER, BEHIND)

    assert has_diverged(settings)


@pytest.mark.parametrize(
    ("replica", "setting", "undo"),
    [
        (replace(REPLICA, harmful_settings=(FILTER,)), "replicate_ignore_db = d", FILTER.undo_statement),
        (
            replace(REPLICA, channel=build_channel(filters=(FILTER,))),
            "replicate_ignore_db = d",
            FILTER.undo_statement,
        ),
        (
            replace(REPLICA, harmful_settings=(SKIPPED_ERRORS,)),
            "replica_skip_errors = 1032",
            "restart it for replica_skip_",
        ),
        (
            replace(REPLICA, harmful_settings=(NEXT_SKIPPED,)),
            "sql_replica_skip_counter = 1",
            NEXT_SKIPPED.undo_statement,
        ),
        (
            replace(REPLICA, channel=build_channel(unexpected_options=(IGNORED_IDS,))),
            "IGNORE_SERVER_IDS = 7",
            "CHANGE MASTER TO IGNORE_SERVER_IDS = ()",
        ),
    ],
)
def test_a_setting_in_force_that_leaves_out_changes_is_refused_and_named(
    settings: Settings, replica: ServerState, setting: str, undo: str
) -> None:
    with pytest.raises(NotReady) as refused:
        run_accept(settings, Person(), LATER, replica=replica)

    assert f"this replica still has {setting}" in str(refused.value)
    assert undo in str(refused.value)
    assert has_diverged(settings)


def test_every_obstacle_is_named_at_once(settings: Settings) -> None:
    with pytest.raises(
        NotReady, match=r"still lacks 0-7-5.*; this replica still has replicate_ignore_db = d"
    ):
        run_accept(settings, Person(), BEHIND, replica=replace(REPLICA, harmful_settings=(FILTER,)))


def test_an_option_of_the_channel_that_leaves_out_nothing_is_no_obstacle(settings: Settings) -> None:
    run_accept(
        settings,
        Person(),
        LATER,
        replica=replace(REPLICA, channel=build_channel(unexpected_options=(DELAY,))),
    )

    assert not has_diverged(settings)


def test_an_unreadable_source_is_refused_with_its_error(settings: Settings) -> None:
    with pytest.raises(NotReady, match=r"cannot be read.*2003, Connection refused"):
        run_accept(settings, Person(), build_failed_source(2003, "Connection refused"))

    assert has_diverged(settings)


def test_nothing_is_written_while_a_pass_is_at_work(settings: Settings) -> None:
    with (
        wiring.hold_pass_lock(settings, lambda: False),
        pytest.raises(NotReady, match="another pass is at work"),
    ):
        run_accept(settings, Person(), LATER)

    assert has_diverged(settings)


def test_a_source_has_no_source_to_accept(settings: Settings) -> None:
    store_document(settings, SOURCE)

    with pytest.raises(NotReady, match="this node is a source"):
        run_accept(settings, Person(), LATER)


def test_the_lock_is_free_while_the_person_thinks(settings: Settings) -> None:
    person = Person()

    def answer_later() -> bool:
        with wiring.hold_pass_lock(settings, wiring.build_lock_wait(SystemClock())):
            return True

    with use_server(build_server("0-7-5"), LATER):
        accept_diverged_source(settings, person.shown.append, answer_later)

    assert not has_diverged(settings)
