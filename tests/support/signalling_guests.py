"""Guests that play an agent: they read their metadata by their own credentials, and signal as soon as it is new."""

from __future__ import annotations

import json
import re
import threading
from typing import Any
from xml.etree.ElementTree import fromstring

import requests

from guestagent.embedded import FakeHypervisor, Guest
from guestagent.embedded.guests.user_data import parse_user_data
from guestagent.embedded.openstack.keystone.ec2_signature import SignedRequest, compute_signature
from guestagent.secret import Secret

POLL_INTERVAL_S = 0.1


class SignallingHypervisor(FakeHypervisor):
    """A hypervisor whose guests signal. A node in `failing` says FAILURE with that reason; `mute` ones say nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.failure_reasons: dict[str, str] = {}
        self.silent_nodes: set[str] = set()
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
            while not gone.wait(POLL_INTERVAL_S):
                try:
                    document = _document(session, guest)
                    handle = document["ReadyWaitCondition"]
                    if handle not in said and document["GuestAgent"]["Node"] not in self.silent_nodes:
                        self._signal(session, handle, document["GuestAgent"])
                        said.add(handle)
                except (requests.RequestException, KeyError):
                    continue  # an outage, or metadata that Heat has not resolved yet

    def _signal(self, session: requests.Session, handle: str, section: dict[str, Any]) -> None:
        reason = self.failure_reasons.get(section["Node"])
        body = {
            "Status": "FAILURE" if reason else "SUCCESS",
            "Reason": reason or "ready",
            "UniqueId": f"{section['Node']}-{section['Generation']}",
            "Data": {"version": "played", "lag": 0},
        }
        url = handle
        if handle.startswith("{"):  # HOT: a document in a text, and words of its own
            url = json.loads(handle)["alarm_url"]
            body = {
                "status": body["Status"],
                "reason": body["Reason"],
                "id": body["UniqueId"],
                "data": body["Data"],
            }
        session.put(url, json=body, timeout=10).raise_for_status()


def _document(session: requests.Session, guest: Guest) -> dict[str, Any]:
    """The node's metadata, by the settings and the credentials that its user data holds."""
    found = parse_user_data(guest.user_data)
    if found.scripts:
        return _by_key(session, found.scripts[0][1].decode())
    return _by_account(session, json.loads(found.init_data or b"{}")["os-collect-config"]["heat"])


def _by_account(session: requests.Session, told: dict[str, str]) -> dict[str, Any]:
    """Heat's own API, as a server of HOT collects."""
    user = {"id": told["user_id"], "password": told["password"]}
    asked = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"id": told["project_id"]}},
        }
    }
    token = session.post(f"{told['auth_url']}/auth/tokens", json=asked, timeout=10)
    token.raise_for_status()
    urls = {each["type"]: each["endpoints"][0]["url"] for each in token.json()["token"]["catalog"]}
    answer = session.get(
        f"{urls['orchestration']}/stacks/{told['stack_id']}/resources/{told['resource_name']}/metadata",
        headers={"X-Auth-Token": token.headers["X-Subject-Token"]},
        timeout=10,
    )
    answer.raise_for_status()
    document: dict[str, Any] = answer.json()["metadata"]
    return document


def _by_key(session: requests.Session, script: str) -> dict[str, Any]:
    """The CFN API, by the access key of the node's own."""
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
    signed = compute_signature(
        SignedRequest("GET", host, f"/{path}", params), Secret(settings["secret_access_key"])
    )
    answer = session.get(url, params={**params, "Signature": signed}, timeout=10)
    answer.raise_for_status()
    metadata = fromstring(answer.content).findtext(".//Metadata") or "{}"  # noqa: S314 - our own cloud's answer
    document: dict[str, Any] = json.loads(metadata)
    return document
