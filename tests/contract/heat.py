"""A Heat as its clients meet it, the fake or a real one: nothing here can tell which."""

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

STACK_TIMEOUT_S = 100.0  # a real Heat on two busy cores takes its time
POLL_INTERVAL_S = 0.3
TRUST_ATTEMPT_LIMIT = (
    3  # a Keystone 30 with many threads refuses Heat a trust now and then, and not the next time
)
_RUN, _NUMBERS = secrets.token_hex(3), itertools.count(1)


@dataclass(frozen=True, slots=True)
class CloudNames:
    """What the cloud around Heat has under which name."""

    image: str
    flavor: str
    larger: str
    network: str


@dataclass(slots=True)
class HeatClient:
    """One project's conversation with a Heat. Many threads may have it at the same time."""

    name: str
    release: int
    auth: Mapping[str, Any] = field(repr=False)
    names: CloudNames
    _shared: dict[str, ContractStack] = field(default_factory=dict)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _watch: StackListReader | None = None
    session: Session = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.session = Session(auth=V3Password(**self.auth))

    @property
    def stack_list(self) -> StackListReader:
        if self._watch is None:
            self._watch = StackListReader(lambda: self.request("GET", "/stacks").json()["stacks"])
        return self._watch

    @property
    def subnet(self) -> str:
        """The id of the network's subnet: an AWS::EC2::Instance takes no name."""
        network = {"service_type": "network"}
        return str(self.session.get("/v2.0/subnets", endpoint_filter=network).json()["subnets"][0]["id"])

    @property
    def cfn_url(self) -> str:
        """Where guests reach Heat; without a slash at the end."""
        return str(self.session.get_endpoint(service_type="cloudformation")).rstrip("/")

    def request(self, method: str, path: str, **how: Any) -> requests.Response:
        """Any request below the project's own address; a refusal is an answer like another."""
        adapter = Adapter(self.session, service_type="orchestration")
        answer: requests.Response = adapter.request(path, method, raise_exc=False, redirect=False, **how)
        return answer

    def create_stack(self, template: object, **options: object) -> ContractStack:
        """A new stack, on its way."""
        name = options.pop("stack_name", None) or build_name()
        sent = {"stack_name": name, "template": template, **options}
        answer = self.request("POST", "/stacks", json=sent)
        for _ in range(TRUST_ATTEMPT_LIMIT):
            if answer.status_code != 403:
                break
            answer = self.request("POST", "/stacks", json=sent)
        assert answer.status_code == 201, answer.text
        return ContractStack(self, str(name), answer.json()["stack"]["id"])

    def get_shared_stack(self, key: str, make: Callable[[HeatClient], ContractStack]) -> ContractStack:
        """The one stack of that key for all rules that only look at it; made at the first need."""
        with self._locks.setdefault(key, threading.Lock()):
            if key not in self._shared:
                self._shared[key] = make(self)
            return self._shared[key]

    def create_refused_stack(self, template: object, **options: object) -> str:
        """What Heat says to a template that it should not take."""
        sent = {"stack_name": build_name(), "template": template, **options}
        answer = self.request("POST", "/stacks", json=sent)
        if answer.status_code == 201:
            ContractStack(self, str(sent["stack_name"]), answer.json()["stack"]["id"]).delete()
        return format_response(answer)

    def request_token(self, password: str = "") -> requests.Response:
        """Keystone's answer to this project's user; with the right password where none is given."""
        user = {
            "name": self.auth["username"],
            "domain": {"id": "default"},
            "password": password or self.auth["password"],
        }
        scope = {"project": {"name": self.auth["project_name"], "domain": {"id": "default"}}}
        asked = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        return requests.post(f"{self.auth['auth_url']}/auth/tokens", json=asked, timeout=30)

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()


@dataclass(frozen=True, slots=True)
class ContractStack:
    """One stack. Whatever waits gives up after PATIENCE."""

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
        """Begin an update; returns when Heat has taken it."""
        answer = self.request(method="PUT", json={"template": template, **options})
        assert answer.status_code == 202, answer.text
        return self

    def delete(self) -> ContractStack:
        answer = self.request(method="DELETE")
        assert answer.status_code == 204, answer.text
        return self

    def wait_until_settled(self) -> ContractStack:
        """This stack, once nothing is in progress any more."""
        self._until(lambda: not self.read_state().endswith("IN_PROGRESS"), "settles")
        return self

    def wait_for_action(self, action: str) -> ContractStack:
        """This stack, once it is at an action."""
        self._until(lambda: self.read_state().startswith(action), f"begins to {action}")
        return self

    def read_state(self) -> str:
        """Its state; GONE where the list does not have it."""
        return str(self.read_row().get("stack_status", "GONE"))

    def wait_for_outcome(self) -> str:
        """How it ends: the state and its reason."""
        row = self.wait_until_settled().read_row()
        return self.mask_ids(f"{row['stack_status']}: {row['stack_status_reason']}") if row else "GONE"

    def read_row(self) -> Mapping[str, Any]:
        """The stack list's row of it: the reading that disturbs nothing."""
        found = (row for row in self.heat.stack_list.read_rows() if row["id"] == self.id)
        return next(found, {})

    def list_resources(self, query: str = "") -> dict[str, Document]:
        rows = self.read(f"/resources{query}")["resources"]
        return {row["resource_name"]: row for row in rows}

    def wait_for_resource(self, resource: str, status: str) -> ContractStack:
        """This stack, once a resource has a status."""

        def there() -> bool:
            return bool(self.list_resources().get(resource, {}).get("resource_status") == status)

        self._until(there, f"has {resource} {status}")
        return self

    def wait_for_event(self, resource: str, status: str) -> ContractStack:
        """This stack, once an event tells so: a signal by REST takes effect after it was answered."""
        self._until(lambda: (resource, status) in self.list_events(), f"tells {resource} {status}")
        return self

    def read_physical_id(self, resource: str) -> str:
        """The id of what stands behind a resource."""
        return str(self.list_resources()[resource]["physical_resource_id"])

    def read_output(self, key: str) -> Any:
        """One output's value; where it has none, what went wrong."""
        output = self.read(f"/outputs/{key}")["output"]
        return output["output_value"] if "output_error" not in output else output["output_error"]

    def read_handle_url(self, handle: str) -> str:
        """A handle's presigned URL, from the output of that name, also while the stack is in progress.

        Heat makes the key when the URL is asked for first, and two who ask at once get two, one of them dead.
        """
        with self._lock:
            if handle not in self._urls:
                self.wait_for_resource(handle, "CREATE_COMPLETE")
                self._until(lambda: self._found(handle), f"shows the URL of {handle}")
            return self._urls[handle]

    def _found(self, handle: str) -> bool:
        self._urls[handle] = str(self.read_output(handle))
        return self._urls[handle].startswith("http")

    def list_events(self) -> list[tuple[str, str]]:
        """What happened to which resource, oldest first; the stack's own are under `stack`."""
        rows = reversed(self.read("/events?limit=1000")["events"])
        named = {self.name: "stack"}
        return [(named.get(r["resource_name"], r["resource_name"]), r["resource_status"]) for r in rows]

    def list_update_statuses(self, resource: str) -> list[str]:
        """What the last update did to a resource, oldest first; nothing where it did not touch it."""
        events = self.list_events()
        began = len(events) - events[::-1].index(("stack", "UPDATE_IN_PROGRESS"))
        return [status for name, status in events[began:] if name == resource]

    def mask_ids(self, text: str) -> str:
        """Text without what is another one in every run."""
        return mask_ids(text.replace(self.name, "<stack>"))

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + STACK_TIMEOUT_S
        while not holds():
            if time.monotonic() > until:
                raise TimeoutError(f"{self.name} never {what}: {self.read_row()}")
            time.sleep(POLL_INTERVAL_S)


def build_name() -> str:
    """A stack name that nobody else has."""
    return f"contract-{_RUN}-{next(_NUMBERS)}"


def format_response(answer: requests.Response) -> str:
    """An answer of heat-api on one line: the code, and type and text where it is a refusal."""
    if answer.status_code < 400:
        return str(answer.status_code)
    error = answer.json()["error"]
    return mask_ids(f"{answer.status_code} {error['type']}: {error.get('message')}")


def mask_ids(text: str) -> str:
    """Text without ids and names that are others in every run."""
    text = text.replace("%3A", ":")
    text = re.sub(r"contract-[0-9a-f]{6}-\d+", "<stack>", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>", text)
    text = re.sub(r"(<stack>-\w+)-[a-z0-9]{12}\b", r"\1-<random>", text)
    return re.sub(r"\b[0-9a-f]{32}\b", "<hex>", text)
