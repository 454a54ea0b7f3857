"""Requests for servers that need no port, and how a rule writes down Nova's answers."""

from __future__ import annotations

import re
from typing import Any

import requests

from tests.contract.cloud.client import COMPUTE, build_name, format_answer
from tests.contract.cloud.scope import SLOW, CloudScope, Document

OTHER_FLAVOR, UNKNOWN_ID = "m1.medium", "11111111-1111-1111-1111-111111111111"


def build_request(scope: CloudScope, **values: Any) -> Document:
    """Return what creates a server without a network, which is the quickest one."""
    return {
        "name": build_name(),
        "flavorRef": scope.find_flavor(),
        "imageRef": scope.find_image(),
        "networks": "none",
        **values,
    }


def request_server(scope: CloudScope, **values: Any) -> str:
    """Ask for a server without a network, and return the answer on one line."""
    return describe_answer(scope.request_creation("server", build_request(scope, **values)))


def request_member(scope: CloudScope, group: str) -> requests.Response:
    """Ask for a server in a server group, and return the answer. What was created is deleted at the end."""
    body = {"server": build_request(scope), "os:scheduler_hints": {"group": group}}
    answer = scope.send(COMPUTE, "POST", "/servers", body)
    if answer.ok:
        scope.note_created("server", answer)
    return answer


def start_server(scope: CloudScope, **values: Any) -> str:
    """Create a server without a network, and return its id without waiting for it."""
    return str(scope.create("server", build_request(scope, **values))["id"])


def start_slow_server(scope: CloudScope, **values: Any) -> str:
    """The same for one that stays in BUILD for a while."""
    return start_server(scope, name=f"{build_name()}-{SLOW}", **values)


def run_server(scope: CloudScope, **values: Any) -> str:
    """Create a server without a network, and return its id when it is ACTIVE or in ERROR."""
    server = start_server(scope, **values)
    scope.await_status("server", server, "ACTIVE", "ERROR")
    return server


def describe_answer(answer: requests.Response) -> str:
    """Format an answer on one line. What a request says at length is cut out of Nova's messages."""
    text = re.sub(r"Value: [\[{].*?[\]}]\. ", "Value: <body>. ", format_answer(answer), flags=re.DOTALL)
    return re.sub(r"(.)\1{19,}", r"\1...", text)


def read_task_state(scope: CloudScope, server: str) -> str:
    """Return the task state; `gone` for a server that is not there."""
    return str(scope.show("server", server).get("OS-EXT-STS:task_state", "gone"))


def list_action_rows(scope: CloudScope, server: str) -> list[Document]:
    """Return a server's actions as Nova lists them."""
    return list(scope.read(COMPUTE, f"/servers/{server}/os-instance-actions")["instanceActions"])
