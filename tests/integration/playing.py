"""Guests that play an agent: they read their metadata with their own key, and signal as soon as it is new."""

from __future__ import annotations

import json
import re
import threading
from typing import Any
from xml.etree.ElementTree import fromstring

import requests

from guestagent.embedded import FakeHypervisor, Guest
from guestagent.embedded.guests.userdata import parse
from guestagent.embedded.heat.signature import Request, signature
from guestagent.secret import Secret

BETWEEN_LOOKS = 0.1


class PlayingGuests(FakeHypervisor):
    """A hypervisor whose guests signal. A node in `failing` says FAILURE with that reason; `mute` ones say nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: dict[str, str] = {}
        self.mute: set[str] = set()
        self._threads: dict[str, tuple[threading.Thread, threading.Event]] = {}

    def boot(self, guest: Guest) -> None:
        super().boot(guest)
        gone = threading.Event()
        thread = threading.Thread(target=self._play, args=(guest, gone), daemon=True)
        self._threads[guest.id] = (thread, gone)
        thread.start()

    def destroy(self, guest_id: str) -> None:
        if guest_id in self._threads:
            thread, gone = self._threads.pop(guest_id)
            gone.set()
            thread.join(10)
        super().destroy(guest_id)

    def close(self) -> None:
        for guest_id in list(self._threads):
            self.destroy(guest_id)
        super().close()

    def _play(self, guest: Guest, gone: threading.Event) -> None:
        said: set[str] = set()
        with requests.Session() as session:
            while not gone.wait(BETWEEN_LOOKS):
                try:
                    document = _document(session, guest)
                    handle = document["ReadyWaitCondition"]
                    if handle not in said and document["GuestAgent"]["Node"] not in self.mute:
                        self._signal(session, handle, document["GuestAgent"])
                        said.add(handle)
                except (requests.RequestException, KeyError):
                    continue  # an outage, or metadata that Heat has not resolved yet

    def _signal(self, session: requests.Session, handle: str, section: dict[str, Any]) -> None:
        reason = self.failing.get(section["Node"])
        body = {
            "Status": "FAILURE" if reason else "SUCCESS",
            "Reason": reason or "ready",
            "UniqueId": f"{section['Node']}-{section['Generation']}",
            "Data": {"version": "played", "lag": 0},
        }
        session.put(handle, json=body, timeout=10).raise_for_status()


def _document(session: requests.Session, guest: Guest) -> dict[str, Any]:
    """The node's metadata, by the settings and the key that its user data holds."""
    script = parse(guest.user_data).scripts[0][1].decode()
    settings = dict(re.findall(r"^(\w+) = (.+)$", script, re.MULTILINE))
    url = settings["metadata_url"]
    params = {
        "Action": "DescribeStackResource",
        "StackName": settings["stack_name"],
        "LogicalResourceId": settings["path"].partition(".")[0],
        "AWSAccessKeyId": settings["access_key_id"],
        "SignatureVersion": "2",
        "SignatureMethod": "HmacSHA256",
    }
    host, _, path = url.removeprefix("http://").partition("/")
    signed = signature(Request("GET", host, f"/{path}", params), Secret(settings["secret_access_key"]))
    answer = session.get(url, params={**params, "Signature": signed}, timeout=10)
    answer.raise_for_status()
    metadata = fromstring(answer.content).findtext(".//Metadata") or "{}"  # noqa: S314 - our own cloud's answer
    document: dict[str, Any] = json.loads(metadata)
    return document
