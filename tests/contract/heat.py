"""A client of Heat, for the fake one and for a real one alike."""

from __future__ import annotations

import itertools
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from keystoneauth1.adapter import Adapter
from keystoneauth1.identity import V3Password
from keystoneauth1.session import Session

from tests.contract.stack_list import StackListReader

Document = dict[str, Any]

STACK_TIMEOUT_S = 300.0  # long enough for a real Heat on two busy cores
POLL_INTERVAL_S = 0.3
# A Keystone 30 with many threads sometimes rejects a trust for Heat, and accepts it at the next attempt.
TRUST_ATTEMPT_LIMIT = 3
_RUN, _NUMBERS = secrets.token_hex(3), itertools.count(1)


@dataclass(frozen=True, slots=True)
class CloudNames:
    """The names of the image, flavors and network of a cloud."""

    image: str
    flavor: str
    larger: str
    network: str


@dataclass(slots=True)
class HeatClient:
    """Requests of one project to Heat; many threads may use it at the same time."""

    name: str
    release: int
    auth: Mapping[str, Any] = field(repr=False)
    names: CloudNames
    _shared: dict[str, ContractStack] = field(default_factory=dict)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _stack_list: StackListReader | None = None
    session: Session = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.session = Session(auth=V3Password(**self.auth))

    @property
    def stack_list(self) -> StackListReader:
        if self._stack_list is None:
            self._stack_list = StackListReader(lambda: self.request("GET", "/stacks").json()["stacks"])
        return self._stack_list

    @property
    def subnet(self) -> str:
        """The id of the network's subnet: an AWS::EC2::Instance takes no name."""
        network = {"service_type": "network"}
        return str(self.session.get("/v2.0/subnets", endpoint_filter=network).json()["subnets"][0]["id"])

    @property
    def cfn_url(self) -> str:
        """The endpoint of the CFN API, without a trailing slash."""
        return str(self.session.get_endpoint(service_type="cloudformation")).rstrip("/")

    def request(self, method: str, path: str, **how: Any) -> requests.Response:
        """Send a request below the project's endpoint; return error responses, too."""
        adapter = Adapter(self.session, service_type="orchestration")
        answer: requests.Response = adapter.request(path, method, raise_exc=False, redirect=False, **how)
        return answer

    def create_stack(self, template: object, **options: object) -> ContractStack:
        """Create a stack; do not wait for it."""
        name = options.pop("stack_name", None) or build_name()
        body = {"stack_name": name, "template": template, **options}
        answer = self.request("POST", "/stacks", json=body)
        for _ in range(TRUST_ATTEMPT_LIMIT):
            if answer.status_code != 403:
                break
            answer = self.request("POST", "/stacks", json=body)
        assert answer.status_code == 201, answer.text
        return ContractStack(self, str(name), answer.json()["stack"]["id"])

    def get_shared_stack(self, key: str, create: Callable[[HeatClient], ContractStack]) -> ContractStack:
        """Return the stack of that key, which all rules share that only read it; create it if it does not exist."""
        with self._locks.setdefault(key, threading.Lock()):
            if key not in self._shared:
                self._shared[key] = create(self)
            return self._shared[key]

    def create_refused_stack(self, template: object, **options: object) -> str:
        """Return the response to a template that Heat should reject."""
        body = {"stack_name": build_name(), "template": template, **options}
        answer = self.request("POST", "/stacks", json=body)
        if answer.status_code == 201:
            ContractStack(self, str(body["stack_name"]), answer.json()["stack"]["id"]).delete()
        return format_response(answer)

    def request_token(self, password: str = "") -> requests.Response:
        """Log in as this project's user, with the correct password by default, and return the response."""
        user = {
            "name": self.auth["username"],
            "domain": {"id": "default"},
            "password": password or self.auth["password"],
        }
        scope = {"project": {"name": self.auth["project_name"], "domain": {"id": "default"}}}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        return requests.post(f"{self.auth['auth_url']}/auth/tokens", json=body, timeout=30)

    def close(self) -> None:
        if self._stack_list is not None:
            self._stack_list.close()


@dataclass(frozen=True, slots=True)
class ContractStack:
    """One stack. Each wait fails after STACK_TIMEOUT_S."""

    heat: HeatClient
    name: str
    id: str
    _urls: dict[str, str] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def request(self, below: str = "", method: str = "GET", **how: Any) -> requests.Response:
        return self.heat.request(method, f"/stacks/{self.name}/{self.id}{below}", **how)

    def read(self, below: str = "") -> Any:
        answer = self.request(below)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def update(self, template: object, **options: object) -> ContractStack:
        """Start an update, which Heat must accept."""
        answer = self.request(method="PUT", json={"template": template, **options})
        assert answer.status_code == 202, answer.text
        return self

    def delete(self) -> ContractStack:
        answer = self.request(method="DELETE")
        assert answer.status_code == 204, answer.text
        return self

    def wait_until_settled(self) -> ContractStack:
        """Wait until the stack is no longer in progress."""
        self._wait_until(lambda: not self.read_state().endswith("IN_PROGRESS"), "settles")
        return self

    def wait_for_action(self, action: str) -> ContractStack:
        """Wait until the stack is in an action."""
        self._wait_until(lambda: self.read_state().startswith(action), f"begins to {action}")
        return self

    def read_state(self) -> str:
        """Return the state; GONE if the list does not contain the stack."""
        return str(self.read_row().get("stack_status", "GONE"))

    def wait_for_outcome(self) -> str:
        """Wait for the end of the action; return the state and its reason."""
        row = self.wait_until_settled().read_row()
        return self.mask_ids(f"{row['stack_status']}: {row['stack_status_reason']}") if row else "GONE"

    def read_row(self) -> Mapping[str, Any]:
        """Return the stack's row in the stack list: the one read without side effects."""
        rows = (row for row in self.heat.stack_list.read_rows() if row["id"] == self.id)
        return next(rows, {})

    def list_resources(self, query: str = "") -> dict[str, Document]:
        rows = self.read(f"/resources{query}")["resources"]
        return {row["resource_name"]: row for row in rows}

    def wait_for_resource(self, resource: str, status: str) -> ContractStack:
        """Wait until a resource has a status."""

        def has_status() -> bool:
            return bool(self.list_resources().get(resource, {}).get("resource_status") == status)

        self._wait_until(has_status, f"has {resource} {status}")
        return self

    def wait_for_event(self, resource: str, status: str) -> ContractStack:
        """Wait for an event: a signal by REST takes effect after its response."""
        self._wait_until(lambda: (resource, status) in self.list_events(), f"lists {resource} {status}")
        return self

    def read_physical_id(self, resource: str) -> str:
        """Return the physical id of a resource."""
        return str(self.list_resources()[resource]["physical_resource_id"])

    def read_output(self, key: str) -> Any:
        """Return the value of an output, or its error."""
        output = self.read(f"/outputs/{key}")["output"]
        return output["output_value"] if "output_error" not in output else output["output_error"]

    def read_handle_url(self, handle: str) -> str:
        """Return a handle's presigned URL from the output of that name, even if the stack is in progress.

        Heat creates the key at the first request for the URL. Two simultaneous requests get two keys, one of which is
        invalid.
        """
        with self._lock:
            if handle not in self._urls:
                self.wait_for_resource(handle, "CREATE_COMPLETE")
                self._wait_until(lambda: self._has_url(handle), f"shows the URL of {handle}")
            return self._urls[handle]

    def _has_url(self, handle: str) -> bool:
        self._urls[handle] = str(self.read_output(handle))
        return self._urls[handle].startswith("http")

    def list_events(self) -> list[tuple[str, str]]:
        """Return resource and status of each event, the oldest first; the stack itself is `stack`."""
        rows = reversed(self.read("/events?limit=1000")["events"])
        labels = {self.name: "stack"}
        return [(labels.get(r["resource_name"], r["resource_name"]), r["resource_status"]) for r in rows]

    def list_update_statuses(self, resource: str) -> list[str]:
        """Return the statuses of a resource in the last update, the oldest first; none if it was not changed."""
        events = self.list_events()
        start = len(events) - events[::-1].index(("stack", "UPDATE_IN_PROGRESS"))
        return [status for name, status in events[start:] if name == resource]

    def mask_ids(self, text: str) -> str:
        """Return a text without the names and ids that differ in every run."""
        return mask_ids(text.replace(self.name, "<stack>"))

    def _wait_until(self, is_true: Callable[[], bool], description: str) -> None:
        deadline = time.monotonic() + STACK_TIMEOUT_S
        while not is_true():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} never {description}: {self.read_row()}")
            time.sleep(POLL_INTERVAL_S)


def build_name() -> str:
    """Return a unique stack name."""
    return f"contract-{_RUN}-{next(_NUMBERS)}"


def format_response(answer: requests.Response) -> str:
    """Format a response of heat-api on one line: the code, and for an error its type and message."""
    if answer.status_code < 400:
        return str(answer.status_code)
    error = answer.json()["error"]
    return mask_ids(f"{answer.status_code} {error['type']}: {error.get('message')}")


def mask_ids(text: str) -> str:
    """Return a text without the ids and names that differ in every run."""
    text = text.replace("%3A", ":")
    text = re.sub(r"contract-[0-9a-f]{6}-\d+", "<stack>", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>", text)
    text = re.sub(r"(<stack>-\w+)-[a-z0-9]{12}\b", r"\1-<random>", text)
    return re.sub(r"\b[0-9a-f]{32}\b", "<hex>", text)
