"""How far the binary logs of a replica and its source have been compared since the source began another life.

Which transactions prove what: a source that goes back in time to P and writes on gives the numbers after P again. A
replica that had got as far as K differs from it in P+1 to K, and in nothing else: what is older both have from before,
and what is newer came from the source's present life. An equal transaction therefore proves all older ones of its
origin, but none that is newer. P may lie anywhere, and nobody knows K: a relay log may hold transactions of the former
life that are executed later. So everything after the anchor must be compared, in order, up to what the replica holds
when it becomes ready. This is little, even for a replica that lags by much: apart from its relay log, it
lags behind with transactions that it does not have yet, and those come from the present life.

What was found equal need not be read again: the anchor moves on to it and keeps the source's former life, in the
journal too. If the source goes back once more, the anchor's own transaction is the first to differ. So a comparison
that ends early loses nothing, and the next pass goes on with it.
"""

from __future__ import annotations

from dataclasses import replace

from guestagent.agent.divergence import Anchor, SourceIdentity
from guestagent.agent.journal import Journal
from guestagent.database.binlog_comparison import CompareBinlogs, ComparisonResult
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.state import SourceState
from guestagent.metadata.document import Source, Tls

LAG_REASON = "the replica has not caught up"


class BinlogProgress:
    """The comparison with one life of a source. It may be lost: the journal's anchor is where it begins again.

    `unread`: why the source's present life has not been compared at the last look; `impossible`: why it cannot be; both
    "" if it has been, or if it is the life of the anchor.
    """

    def __init__(self, compare: CompareBinlogs, journal: Journal) -> None:
        self._compare, self._journal = compare, journal
        self.pending_reason = self.impossible_reason = ""
        self._has_read_in_pass = False
        self._begin_life(None)

    def begin_pass(self) -> None:
        """Allow one more comparison that ends early."""
        self._has_read_in_pass = False

    def reset_reasons(self) -> None:
        """Forget the reasons: `compare` is called only if the source has begun another life."""
        self.pending_reason = self.impossible_reason = ""

    def compare_logs(
        self,
        wanted: Source,
        tls: Tls | None,
        source: SourceIdentity,
        seen: SourceState,
        *,
        caught_up: bool,
        since: GtidHistory,
        until: GtidHistory,
    ) -> str:
        """Return a GTID under which the logs differ; "" if there is none so far.

        Logs are read at the first look at a life, and then only if the replica `has_caught_up`: another one is not
        ready anyway. The anchor's own transaction may be larger than one comparison may read. What follows it is read
        at once then, or the next start of the agent would find the anchor where it was.
        """
        if self._life is None or not self._life.has_same_instance(source, seen):
            self._begin_life(
                None if seen.start_time is None else Anchor(source, seen.start_time, seen.reset_count, "")
            )
        self.impossible_reason = self._lasting
        if self._lasting or (self._complete is not None and not until.format_difference(self._complete)):
            return ""
        if self._has_read_in_pass or (self._has_read and not caught_up):
            self.pending_reason = self._reason or LAG_REASON
            return ""
        while True:
            before = self._equal
            result = self._compare(wanted, tls, since, until, before)
            self._note(result, since, until)
            if not result.incomplete_reason or not _has_read_the_first_only(result, since, before):
                return result.conflicting_gtid

    def _begin_life(self, life: Anchor | None) -> None:
        self._life, self._has_read, self._reason, self._lasting = life, False, "", ""
        self._equal: GtidHistory | None = None
        self._complete: GtidHistory | None = None

    def _note(self, result: ComparisonResult, since: GtidHistory, until: GtidHistory) -> None:
        self._has_read = True
        self.pending_reason = self._reason = result.incomplete_reason
        self.impossible_reason = self._lasting = result.failure_reason
        if result.common_history is not None:
            self._equal = since.parse(
                None if self._equal is None else str(self._equal), str(result.common_history)
            )
        if not result.incomplete_reason and not result.failure_reason:
            self._complete = until
        if result.incomplete_reason:
            self._has_read_in_pass = True
            self._move_anchor(since)

    def _move_anchor(self, since: GtidHistory) -> None:
        """Keep what was compared, so that the agent's next start goes on from there."""
        anchor = self._journal.state.anchor
        if anchor is not None and self._equal is not None:
            newest = since.parse(str(since), str(self._equal)).newest_gtids
            self._journal.set_anchor(replace(anchor, newest=str(newest)))


def _has_read_the_first_only(
    result: ComparisonResult, since: GtidHistory, before: GtidHistory | None
) -> bool:
    """Whether nothing was compared but transactions of `since`, and one that was not compared `before`."""
    if result.common_history is None or not since.contains(result.common_history):
        return False
    return before is None or bool(result.common_history.format_difference(before))
