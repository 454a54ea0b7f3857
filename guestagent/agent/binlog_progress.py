"""How far the binary logs of a replica and its source have been compared since the source's present instance started.

What a transaction proves: a source that goes back in time to P and continues assigns the numbers after P again. A
replica that had reached K differs from it in P+1 to K, and in nothing else: older transactions are common to both, and
newer ones come from the source's present instance. An equal transaction therefore proves all older ones of its
origin, but none that is newer. P may be anywhere, and K is not known: a relay log may contain transactions of the
former instance that are executed later. So everything after the anchor must be compared, in order, up to what the
replica has when it becomes ready. This is little, even with a large lag: apart from its relay log, the replica lags
behind with transactions that it does not have yet, and those come from the present instance.

Transactions that are equal need not be read again: the anchor moves on to them, in the journal too, and keeps the
source's former instance. If the source goes back once more, the anchor's own transaction is the first to differ. So a
comparison that ends early loses nothing, and the next pass continues it.
"""

from __future__ import annotations

from dataclasses import replace

from guestagent.agent.anchor import Anchor, build_anchor
from guestagent.agent.divergence import SourceIdentity
from guestagent.agent.journal import Journal
from guestagent.database.binlog_comparison import CompareBinlogs, ComparisonResult
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.state import SourceState
from guestagent.metadata.document import Source, Tls

LAG_REASON = "the replica has not caught up"


class BinlogProgress:
    """The comparison with one instance of a source. If this object is lost, it restarts at the journal's anchor.

    `pending_reason` is why the present instance has not been compared yet, and `impossible_reason` why it cannot be.
    Both are "" if it has been compared, or if it is the instance of the anchor. `unlogged_reason` is why this server's
    own log does not show what it has applied, so that a person must compare the data.
    """

    def __init__(self, compare: CompareBinlogs, journal: Journal) -> None:
        self._compare, self._journal = compare, journal
        self.pending_reason = self.impossible_reason = self.unlogged_reason = ""
        self._has_read_in_pass = False
        self._reset_instance(None)

    def begin_pass(self) -> None:
        """Allow one more comparison that ends early."""
        self._has_read_in_pass = False

    def reset_reasons(self) -> None:
        """Clear the reasons: `compare_logs` is called only if the source has another instance."""
        self.pending_reason = self.impossible_reason = self.unlogged_reason = ""

    def compare_logs(
        self,
        source: Source,
        tls: Tls | None,
        identity: SourceIdentity,
        source_state: SourceState,
        *,
        caught_up: bool,
        since: GtidHistory,
        until: GtidHistory,
    ) -> str:
        """Return a GTID with which the logs differ; "" if there is none so far.

        Logs are read when an instance is first observed, and then only if the replica has `caught_up`: otherwise it is
        not ready anyway. The anchor's own transaction may use up the limit of one comparison. In this case the
        comparison continues at once, or the next start of the agent would find the anchor where it was.
        """
        if self._instance is None or not self._instance.has_same_instance(identity, source_state):
            self._reset_instance(build_anchor(identity, source_state))
        self.impossible_reason = self._failure_reason
        if self._failure_reason or (
            self._compared_history is not None and not until.format_difference(self._compared_history)
        ):
            return ""
        if self._has_read_in_pass or (self._has_read and not caught_up):
            self.pending_reason = self._incomplete_reason or LAG_REASON
            return ""
        anchor = self._journal.state.anchor
        accepted = {} if anchor is None else dict(anchor.accepted)
        while True:
            former_history = self._common_history
            result = self._compare(source, tls, since, until, former_history, accepted)
            self._record_result(result, since, until)
            if not result.incomplete_reason or not _has_read_only_first(result, since, former_history):
                return result.conflicting_gtid

    def _reset_instance(self, instance: Anchor | None) -> None:
        self._instance, self._has_read = instance, False
        self._incomplete_reason = self._failure_reason = ""
        self._common_history: GtidHistory | None = None
        self._compared_history: GtidHistory | None = None

    def _record_result(self, result: ComparisonResult, since: GtidHistory, until: GtidHistory) -> None:
        self._has_read = True
        self.pending_reason = self._incomplete_reason = result.incomplete_reason
        self.impossible_reason = self._failure_reason = result.failure_reason
        self.unlogged_reason = result.unlogged_reason
        if result.common_history is not None:
            former_text = None if self._common_history is None else str(self._common_history)
            self._common_history = since.parse(former_text, str(result.common_history))
        if not result.incomplete_reason and not result.failure_reason:
            self._compared_history = until
        if result.incomplete_reason:
            self._has_read_in_pass = True
            self._move_anchor(since)

    def _move_anchor(self, since: GtidHistory) -> None:
        """Record what was compared, so that the next start of the agent continues from there."""
        anchor = self._journal.state.anchor
        if anchor is not None and self._common_history is not None:
            newest = since.parse(str(since), str(self._common_history)).newest_gtids
            self._journal.set_anchor(replace(anchor, newest=str(newest)))


def _has_read_only_first(
    result: ComparisonResult, since: GtidHistory, former_history: GtidHistory | None
) -> bool:
    """Whether only transactions of `since` were compared, at least one of them for the first time."""
    if result.common_history is None or not since.contains(result.common_history):
        return False
    return former_history is None or bool(result.common_history.format_difference(former_history))
