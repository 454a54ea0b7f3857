"""Guests that do what a node's collector and agent do with the endpoint, and nothing else: no database takes part."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import requests

from guestagent.byte_units import GIB
from guestagent.embedded import FakeHypervisor
from tests.support.polling import LONGEST_PAUSE_S, PollPause

URL_PATTERN = re.compile(rb"^metadata_url = (\S+)$", re.M)
POLL_INTERVAL_S = 0.1
NO_ANSWER = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


@dataclass(frozen=True, slots=True)
class RunningGuest:
    """A guest as its hypervisor has it. `volume_gib` is the size that it sees of its data volume, or 0."""

    name: str
    user_data: bytes
    volume_gib: int


class GuestSource(Protocol):
    """The hypervisors of a cloud."""

    def read_guests(self) -> Mapping[str, RunningGuest]:
        """Return the guests by the ids of their servers."""
        ...


class FakeHypervisorGuests:
    """The guests of a fake hypervisor."""

    def __init__(self, hypervisor: FakeHypervisor) -> None:
        self._hypervisor = hypervisor

    def read_guests(self) -> Mapping[str, RunningGuest]:
        sizes: dict[str, int] = {}
        for (guest_id, _), size in list(self._hypervisor.shown_sizes.items()):
            sizes[guest_id] = max(size, sizes.get(guest_id, 0))
        return {
            guest.id: RunningGuest(guest.name, guest.user_data, sizes.get(guest.id, 0))
            for guest in list(self._hypervisor.guests.values())
        }


class ImitatedGuests:
    """Every guest of a cloud reads its document, and signals once for each handle. `failing` guests fail."""

    def __init__(self, guests: FakeHypervisor | GuestSource) -> None:
        self._guests = FakeHypervisorGuests(guests) if isinstance(guests, FakeHypervisor) else guests
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.poll_interval_s, self.longest_pause_s = POLL_INTERVAL_S, LONGEST_PAUSE_S
        self._signalled: set[str] = set()
        self.documents: dict[str, dict[str, Any]] = {}
        self.failing: set[str] = set()

    def __enter__(self) -> ImitatedGuests:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        urls: dict[str, str] = {}
        pause = PollPause(self.poll_interval_s, self.longest_pause_s)
        while not self._stopping.wait(pause.seconds):
            before = (dict(urls), dict(self.documents), len(self._signalled))
            for guest_id, guest in self._guests.read_guests().items():
                found = URL_PATTERN.search(guest.user_data)
                if found is None:
                    continue
                with suppress(*NO_ANSWER):  # the service was killed, and starts again
                    urls[guest_id] = self._poll(guest_id, guest, urls.get(guest_id, found[1].decode()))
            pause.adjust(has_changed=(urls, self.documents, len(self._signalled)) != before)

    def _poll(self, guest_id: str, guest: RunningGuest, url: str) -> str:
        """Read the document, and signal if there is a new handle. Return the address of the next one."""
        response = self._read(url)
        if response.status_code != 200:
            return url
        document = response.json()
        handle, size_bytes = document.get("ReadyWaitCondition"), guest.volume_gib * GIB
        if handle is not None:
            self.documents[guest.name] = document
        declared_gib = document.get("GuestAgent", {}).get("Volume", {}).get("SizeGiB", 0)
        if handle is not None and handle not in self._signalled and size_bytes >= declared_gib * GIB:
            status = "FAILURE" if guest.name in self.failing else "SUCCESS"
            data = {"volume": {"file_system_bytes": size_bytes}}
            body = {"Status": status, "Reason": "as told", "UniqueId": guest_id, "Data": json.dumps(data)}
            requests.put(handle, json=body, timeout=60).raise_for_status()
            self._signalled.add(handle)
        return str(document["os-collect-config"]["request"]["metadata_url"])

    def _read(self, url: str) -> requests.Response:
        return requests.get(url, timeout=60)
