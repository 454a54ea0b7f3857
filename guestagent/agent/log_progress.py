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

from guestagent.agent.journal import Journal
from guestagent.agent.parting import Anchor, SourceIdentity
from guestagent.database.gtid import History
from guestagent.database.log_comparison import CompareBinaryLogs, ComparedLogs
from guestagent.database.state import SourceState
from guestagent.metadata.document import Source, Tls

LAGGING = "the replica has not caught up"


class LogProgress:
    """The comparison with one life of a source. It may be lost: the journal's anchor is where it begins again.

    `unread`: why the source's present life has not been compared at the last look; `impossible`: why it cannot be; both
    "" if it has been, or if it is the life of the anchor.
    """

    def __init__(self, compare: CompareBinaryLogs, journal: Journal) -> None:
        self._compare, self._journal = compare, journal
        self.unread = self.impossible = ""
        self._has_read_in_pass = False
        self._begin_life(None)

    def begin_pass(self) -> None:
        """Allow one more comparison that ends early."""
        self._has_read_in_pass = False

    def begin_look(self) -> None:
        """Forget the reasons: `compare` is called only if the source has begun another life."""
        self.unread = self.impossible = ""

    def compare(
        self,
        wanted: Source,
        tls: Tls | None,
        source: SourceIdentity,
        seen: SourceState,
        *,
        caught_up: bool,
        since: History,
        until: History,
    ) -> str:
        """Return a GTID under which the logs differ; "" if there is none so far.

        Logs are read at the first look at a life, and then only for a replica that has `caught_up`: another one is not
        ready anyway. The anchor's own transaction may be larger than one comparison may read. What follows it is read
        at once then, or the next start of the agent would find the anchor where it was.
        """
        if self._life is None or not self._life.has_same_life(source, seen):
            self._begin_life(None if seen.started is None else Anchor(source, seen.started, seen.resets, ""))
        self.impossible = self._lasting
        if self._lasting or (self._complete is not None and not until.beyond(self._complete)):
            return ""
        if self._has_read_in_pass or (self._has_read and not caught_up):
            self.unread = self._reason or LAGGING
            return ""
        while True:
            before = self._equal
            result = self._compare(wanted, tls, since, until, before)
            self._note(result, since, until)
            if not result.unread or not _has_read_the_first_only(result, since, before):
                return result.replaced

    def _begin_life(self, life: Anchor | None) -> None:
        self._life, self._has_read, self._reason, self._lasting = life, False, "", ""
        self._equal: History | None = None
        self._complete: History | None = None

    def _note(self, result: ComparedLogs, since: History, until: History) -> None:
        self._has_read = True
        self.unread = self._reason = result.unread
        self.impossible = self._lasting = result.impossible
        if result.equal is not None:
            self._equal = since.of(None if self._equal is None else str(self._equal), str(result.equal))
        if not result.unread and not result.impossible:
            self._complete = until
        if result.unread:
            self._has_read_in_pass = True
            self._move_anchor(since)

    def _move_anchor(self, since: History) -> None:
        """Keep what was compared, so that the agent's next start goes on from there."""
        anchor = self._journal.memory.anchor
        if anchor is not None and self._equal is not None:
            newest = since.of(str(since), str(self._equal)).newest
            self._journal.set_anchor(replace(anchor, newest=str(newest)))


def _has_read_the_first_only(result: ComparedLogs, since: History, before: History | None) -> bool:
    """Whether nothing was compared but transactions of `since`, and one that was not compared `before`."""
    if result.equal is None or not since.contains(result.equal):
        return False
    return before is None or bool(result.equal.beyond(before))
