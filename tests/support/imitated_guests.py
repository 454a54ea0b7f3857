"""Guests that do what a node's collector and agent do with the endpoint, and nothing else: no database takes part."""

from __future__ import annotations

import re
import threading
from typing import Any

import requests

from guestagent.embedded import FakeHypervisor

URL_PATTERN = re.compile(rb"^metadata_url = (\S+)$", re.M)
POLL_INTERVAL_S = 0.1


class ImitatedGuests:
    """Every guest of a hypervisor reads its document, and signals once for each handle. `failing` guests fail."""

    def __init__(self, hypervisor: FakeHypervisor) -> None:
        self._hypervisor = hypervisor
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
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
        while not self._stopping.wait(POLL_INTERVAL_S):
            for guest in list(self._hypervisor.guests.values()):
                found = URL_PATTERN.search(guest.user_data)
                if found is not None:
                    urls[guest.id] = self._poll(guest.id, guest.name, urls.get(guest.id, found[1].decode()))

    def _poll(self, guest_id: str, name: str, url: str) -> str:
        """Read the document, and signal if there is a new handle. Return the address of the next one."""
        response = requests.get(url, timeout=10)
        if response.status_code != 200:
            return url
        document = response.json()
        handle = document.get("ReadyWaitCondition")
        if handle is not None:
            self.documents[name] = document
        if handle is not None and handle not in self._signalled:
            status = "FAILURE" if name in self.failing else "SUCCESS"
            body = {"Status": status, "Reason": "as told", "UniqueId": guest_id, "Data": "{}"}
            requests.put(handle, json=body, timeout=10).raise_for_status()
            self._signalled.add(handle)
        return str(document["os-collect-config"]["request"]["metadata_url"])
