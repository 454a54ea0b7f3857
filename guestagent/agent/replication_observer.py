"""Observes the local server and its source, and keeps between passes what a single observation cannot show."""

from __future__ import annotations

from functools import partial

from guestagent.agent.acknowledgement import AcknowledgementWait
from guestagent.agent.anchor import Anchor, find_anchor
from guestagent.agent.binlog_progress import BinlogProgress
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.divergence import Divergence, Sighting, find_sighting
from guestagent.agent.divergence_journal import (
    find_known_divergence,
    identify_source,
    record_divergence,
    record_skipped_changes,
    record_unlogged_changes,
)
from guestagent.agent.gtid_position_repair import plan_position_repair
from guestagent.agent.model import ObservedState
from guestagent.agent.name_list import format_names
from guestagent.agent.observe import observe_source
from guestagent.agent.skip_settings import SHOWN_SETTINGS_LIMIT
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.protocols import Database
from guestagent.database.state import ChannelState, ServerState, SourceState
from guestagent.errors import DatabaseRefused
from guestagent.metadata.document import Source, Tls

SOURCE_RETRY_DELAYS_S = (0.1, 0.4)
"""Seconds between observations of a source that lacks something."""
CATCH_UP_TIMEOUT_S = 0.2
"""A channel with little to fetch is complete at the first observation if it gets this time."""


class ReplicationObserver:
    """Looks at a server and its source during the work on one document.

    All that must survive the process is in the journal; the rest is observed again by the next process.
    """

    def __init__(self, source: Source | None, tls: Tls | None, dependencies: PassDependencies) -> None:
        self._source, self._tls, self._dependencies = source, tls, dependencies
        self._journal = dependencies.journal
        self._acknowledgement = AcknowledgementWait()
        self._comparison = BinlogProgress(dependencies.compare_logs, dependencies.journal)
        self._target_history: GtidHistory | None = None
        self._retried_errors: frozenset[int] = frozenset()
        self._sighting: Sighting | None = None
        self._anchor: Anchor | None = None
        self.last_server: ServerState | None = None

    def begin_pass(self) -> None:
        """Allow one more comparison of the logs that ends early."""
        self._comparison.begin_pass()

    def observe(self, database: Database, *, is_channel_new: bool = False) -> ObservedState:
        """Observe the source first: all that it has then must be found in the server's history.

        If the server has more, the source is observed again. `is_channel_new`: the channel was started just now, and
        gets a moment to catch up. A divergence that is found is in the journal when this returns, before any step.
        """
        source = self._observe_source()
        if is_channel_new and source is not None and source.history is not None:
            database.wait_for_history(source.history, CATCH_UP_TIMEOUT_S)
        self.last_server = server = self._observe_server(database)
        if source is not None and source.history is not None:
            self._target_history = self._target_history or source.history
            if _has_more(server, source.history):
                source = self._observe_source_again(server)
        if source is not None:
            source = self._acknowledgement.limit(server, source, self._dependencies.clock.now())
        self._comparison.reset_reasons()
        divergence = record_divergence(
            self._journal,
            self._source,
            server,
            source,
            database.dialect,
            partial(self._compare_logs, server, source),
        ) or record_unlogged_changes(self._journal, self._source, source, self._comparison.unlogged_reason)
        self._find_positions(server, source, divergence)
        return ObservedState(
            server,
            source=source,
            target_history=self._target_history,
            retried_errors=self._retried_errors,
            lost_journal=self._journal.loss,
            divergence=divergence,
            comparison_pending_reason=self._comparison.pending_reason,
            comparison_impossible_reason=self._find_impossible_reason(),
        )

    def note_channel_start(self, channel: ChannelState) -> None:
        """Remember the errors after which the channel was started: if one comes again, it stays."""
        self._retried_errors |= channel.error_numbers

    def reset_target(self) -> None:
        """Verify against what the source has from now on, because the steps have changed the server."""
        self._target_history = None

    def save_sighting(self) -> None:
        """Write to the journal what the source has shown beyond this server's history, if it has."""
        if self._sighting is not None:
            self._journal.set_sighting(self._sighting)

    def save_anchor(self) -> None:
        """Write to the journal that this server and its source have one history, once the logs are compared."""
        if self._anchor is not None and not self._comparison.pending_reason:
            self._journal.set_anchor(self._anchor)

    def _observe_server(self, database: Database) -> ServerState:
        """Observe the server. Remember the settings of channels with names, because of which it is not observed."""
        try:
            return database.observe()
        except DatabaseRefused as error:
            skipped = format_names(error.skip_settings or (), SHOWN_SETTINGS_LIMIT)
            record_skipped_changes(self._journal, self._source, skipped)
            raise

    def _find_impossible_reason(self) -> str:
        """Return why the logs of this instance, or of one before it, could not be compared; "" if they were."""
        if self._comparison.impossible_reason or self._anchor is None:
            return self._comparison.impossible_reason
        return self._anchor.uncompared

    def _observe_source(self) -> SourceState | None:
        if self._source is None:
            return None
        return observe_source(self._dependencies.source_view, self._source, self._tls)

    def _observe_source_again(self, server: ServerState) -> SourceState | None:
        """Observe the source a few times, until it shows all that the server has.

        A MySQL sends a transaction a moment before it shows it.
        """
        source = self._observe_source()
        for delay in SOURCE_RETRY_DELAYS_S:
            if source is None or source.uuid is None or source.history is None:
                break
            if not server.history.format_difference(source.history):
                break
            if find_known_divergence(self._journal.state, self._source, source) is not None:
                break
            self._dependencies.clock.sleep(delay)
            source = self._observe_source()
        return source

    def _find_positions(
        self, server: ServerState, source: SourceState | None, divergence: Divergence | None
    ) -> None:
        """Find the sighting and the anchor of this observation. They are saved when the loop ends or waits."""
        self._sighting = self._anchor = None
        if self._source is None or source is None or divergence is not None or self._journal.loss:
            return
        identity = identify_source(self._source, source)
        self._sighting = find_sighting(identity, server, source)
        self._anchor = find_anchor(
            identity, server, source, self._journal.state.anchor, self._comparison.impossible_reason
        )

    def _compare_logs(
        self, server: ServerState, source: SourceState | None, since: GtidHistory, until: GtidHistory
    ) -> str:
        """Continue the comparison of the binary logs. `until`: this server's history."""
        if self._source is None or source is None or source.history is None:
            return ""
        return self._comparison.compare_logs(
            self._source,
            self._tls,
            identify_source(self._source, source),
            source,
            caught_up=self._has_caught_up(server, source.history, until),
            since=since,
            until=until,
        )

    def _has_caught_up(self, server: ServerState, source_history: GtidHistory, history: GtidHistory) -> bool:
        """Return whether the comparison need not wait any longer for the replica.

        A stopped applier that needs a repair cannot catch up first: its repair waits for the comparison.
        """
        target = self._target_history or source_history
        return (
            target.family != history.family
            or history.contains(target)
            or not source_history.format_difference(history)
            or plan_position_repair(server, source_history) is not None
        )


def _has_more(server: ServerState, source_history: GtidHistory) -> bool:
    return server.history.family == source_history.family and bool(
        server.history.format_difference(source_history)
    )
