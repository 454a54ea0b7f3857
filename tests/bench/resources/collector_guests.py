"""Guests that read their documents as os-collect-config does: how often, and with which requests."""

from __future__ import annotations

import time

import requests

from guestagent.embedded import FakeHypervisor
from tests.support.imitated_guests import ImitatedGuests, RunningGuest

SHORTEST_PAUSE_S = 1.0
"""os-collect-config's `min_polling_interval`, with which it begins, and begins again after a change."""
POLLING_INTERVAL_S = 10.0
"""That of a cluster whose description has no `polling_interval`."""


class CollectorGuests(ImitatedGuests):
    """Each guest waits twice as long as before, up to the polling interval. None reads when they `are_silent`."""

    def __init__(self, guests: FakeHypervisor) -> None:
        super().__init__(guests)
        self.longest_pause_s = self.poll_interval_s  # each guest has a pause of its own
        self.are_silent = False
        self._pauses: dict[str, float] = {}
        self._next_at: dict[str, float] = {}

    def _poll(self, guest_id: str, guest: RunningGuest, url: str) -> str:
        if self.are_silent or time.monotonic() < self._next_at.get(guest_id, 0.0):
            return url
        before = (url, self.documents.get(guest.name))
        next_url = super()._poll(guest_id, guest, url)
        is_changed = (next_url, self.documents.get(guest.name)) != before
        longer_s = min(max(2 * self._pauses.get(guest_id, 0.0), SHORTEST_PAUSE_S), POLLING_INTERVAL_S)
        pause_s = SHORTEST_PAUSE_S if is_changed else longer_s
        self._pauses[guest_id], self._next_at[guest_id] = pause_s, time.monotonic() + pause_s
        return next_url

    def _read(self, url: str) -> requests.Response:
        """Ask with HEAD and GET over one new connection, as the collector does in each of its rounds."""
        with requests.Session() as session:
            session.head(url, timeout=10)
            return session.get(url, timeout=10)
