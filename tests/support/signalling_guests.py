"""Guests that imitate an agent: they poll their metadata with their own credentials, and signal each new handle."""

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
from tests.support.polling import PollPause

POLL_INTERVAL_S = 0.1


class SignallingHypervisor(FakeHypervisor):
    """A hypervisor whose guests signal: FAILURE for a node in `failure_reasons`, nothing for `silent_nodes`.

    `evidence` is added to that of all nodes; `documents` are the newest metadata, by node.
    """

    def __init__(self) -> None:
        super().__init__()
        self.poll_interval_s = POLL_INTERVAL_S
        self.failure_reasons: dict[str, str] = {}
        self.silent_nodes: set[str] = set()
        self.evidence: dict[str, object] = {}
        self.documents: dict[str, dict[str, Any]] = {}
        self._threads: dict[str, tuple[threading.Thread, threading.Event]] = {}

    def boot(self, guest: Guest) -> None:
        super().boot(guest)
        is_destroyed = threading.Event()
        thread = threading.Thread(target=self._run_guest, args=(guest, is_destroyed), daemon=True)
        self._threads[guest.id] = (thread, is_destroyed)
        thread.start()

    def destroy(self, guest_id: str) -> None:
        if guest_id in self._threads:
            thread, is_destroyed = self._threads.pop(guest_id)
            is_destroyed.set()
            thread.join(10)
        super().destroy(guest_id)

    def close(self) -> None:
        for guest_id in list(self._threads):
            self.destroy(guest_id)
        super().close()

    def _run_guest(self, guest: Guest, is_destroyed: threading.Event) -> None:
        signalled_handles: set[str] = set()
        pause = PollPause(self.poll_interval_s)
        last_document: dict[str, Any] = {}
        with requests.Session() as session:
            while not is_destroyed.wait(pause.seconds):
                try:
                    document = _read_document(session, guest)
                    pause.adjust(has_changed=document != last_document)
                    last_document = document
                    handle = document["ReadyWaitCondition"]
                    self.documents[document["GuestAgent"]["Node"]] = document
                    if (
                        handle not in signalled_handles
                        and document["GuestAgent"]["Node"] not in self.silent_nodes
                    ):
                        self._signal(session, handle, document["GuestAgent"])
                        signalled_handles.add(handle)
                except (requests.RequestException, KeyError):
                    # An outage, or metadata that Heat has not resolved yet.
                    pause.adjust(has_changed=False)

    def _signal(self, session: requests.Session, handle: str, section: dict[str, Any]) -> None:
        reason = self.failure_reasons.get(section["Node"])
        body = {
            "Status": "FAILURE" if reason else "SUCCESS",
            "Reason": reason or "ready",
            "UniqueId": f"{section['Node']}-{section['Generation']}",
            "Data": {"version": "played", "lag": 0, **self.evidence},
        }
        url = handle
        if handle.startswith("{"):  # HOT: the handle is a document in JSON, and the keys differ
            login = json.loads(handle)
            url = login["alarm_url"]
            body = {
                "status": body["Status"],
                "reason": body["Reason"],
                "id": body["UniqueId"],
                "data": body["Data"],
            }
            if "auth_url" in login:
                token = _log_in(session, login).headers["X-Subject-Token"]
                session.post(url, json=body, headers={"X-Auth-Token": token}, timeout=60).raise_for_status()
                return
        session.put(url, json=body, timeout=60).raise_for_status()


def _read_document(session: requests.Session, guest: Guest) -> dict[str, Any]:
    """Read the node's metadata with the settings and credentials in its user data."""
    user_data = parse_user_data(guest.user_data)
    if user_data.scripts:
        return _read_with_key(session, user_data.scripts[0][1].decode())
    return _read_with_account(session, json.loads(user_data.init_data or b"{}")["os-collect-config"]["heat"])


def _read_with_account(session: requests.Session, login: dict[str, str]) -> dict[str, Any]:
    """Read it from heat-api, as a HOT server does."""
    token = _log_in(session, login)
    urls = {each["type"]: each["endpoints"][0]["url"] for each in token.json()["token"]["catalog"]}
    answer = session.get(
        f"{urls['orchestration']}/stacks/{login['stack_id']}/resources/{login['resource_name']}/metadata",
        headers={"X-Auth-Token": token.headers["X-Subject-Token"]},
        timeout=60,
    )
    answer.raise_for_status()
    document: dict[str, Any] = answer.json()["metadata"]
    return document


def _log_in(session: requests.Session, login: dict[str, str]) -> requests.Response:
    user = {"id": login["user_id"], "password": login["password"]}
    body = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"id": login["project_id"]}},
        }
    }
    token = session.post(f"{login['auth_url'].rstrip('/')}/auth/tokens", json=body, timeout=60)
    token.raise_for_status()
    return token


def _read_with_key(session: requests.Session, script: str) -> dict[str, Any]:
    """Read it from the CFN API with the node's access key."""
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
    answer = session.get(url, params={**params, "Signature": signed}, timeout=60)
    answer.raise_for_status()
    metadata = fromstring(answer.content).findtext(".//Metadata") or "{}"  # noqa: S314 - our own cloud's answer
    document: dict[str, Any] = json.loads(metadata)
    return document
