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

from tests.contract.watch import Watch

Document = dict[str, Any]

PATIENCE = 100.0  # a real Heat on two busy cores takes its time
GLANCE = 0.3
TRUSTS = 3  # a Keystone 30 with many threads refuses Heat a trust now and then, and not the next time
_RUN, _NUMBERS = secrets.token_hex(3), itertools.count(1)


@dataclass(frozen=True, slots=True)
class Scenery:
    """What the cloud around Heat has under which name."""

    image: str
    flavor: str
    larger: str
    network: str


@dataclass(slots=True)
class Heat:
    """One project's conversation with a Heat. Many threads may have it at the same time."""

    name: str
    release: int
    auth: Mapping[str, Any] = field(repr=False)
    scenery: Scenery
    _shared: dict[str, Stack] = field(default_factory=dict)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _watch: Watch | None = None
    session: Session = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.session = Session(auth=V3Password(**self.auth))

    @property
    def watch(self) -> Watch:
        if self._watch is None:
            self._watch = Watch(lambda: self.ask("GET", "/stacks").json()["stacks"])
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

    def ask(self, method: str, path: str, **how: Any) -> requests.Response:
        """Any request below the project's own address; a refusal is an answer like another."""
        adapter = Adapter(self.session, service_type="orchestration")
        answer: requests.Response = adapter.request(path, method, raise_exc=False, redirect=False, **how)
        return answer

    def stack(self, template: object, **options: object) -> Stack:
        """A new stack, on its way."""
        name = options.pop("stack_name", None) or new_name()
        sent = {"stack_name": name, "template": template, **options}
        answer = self.ask("POST", "/stacks", json=sent)
        for _ in range(TRUSTS):
            if answer.status_code != 403:
                break
            answer = self.ask("POST", "/stacks", json=sent)
        assert answer.status_code == 201, answer.text
        return Stack(self, str(name), answer.json()["stack"]["id"])

    def shared(self, key: str, make: Callable[[Heat], Stack]) -> Stack:
        """The one stack of that key for all rules that only look at it; made at the first need."""
        with self._locks.setdefault(key, threading.Lock()):
            if key not in self._shared:
                self._shared[key] = make(self)
            return self._shared[key]

    def refusal(self, template: object, **options: object) -> str:
        """What Heat says to a template that it should not take."""
        sent = {"stack_name": new_name(), "template": template, **options}
        answer = self.ask("POST", "/stacks", json=sent)
        if answer.status_code == 201:
            Stack(self, str(sent["stack_name"]), answer.json()["stack"]["id"]).delete()
        return said(answer)

    def login(self, password: str = "") -> requests.Response:
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
class Stack:
    """One stack. Whatever waits gives up after PATIENCE."""

    heat: Heat
    name: str
    id: str
    _urls: dict[str, str] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def ask(self, below: str = "", method: str = "GET", **how: Any) -> requests.Response:
        return self.heat.ask(method, f"/stacks/{self.name}/{self.id}{below}", **how)

    def get(self, below: str = "") -> Any:
        answer = self.ask(below)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def update(self, template: object, **options: object) -> Stack:
        """Begin an update; returns when Heat has taken it."""
        answer = self.ask(method="PUT", json={"template": template, **options})
        assert answer.status_code == 202, answer.text
        return self

    def delete(self) -> Stack:
        answer = self.ask(method="DELETE")
        assert answer.status_code == 204, answer.text
        return self

    def settled(self) -> Stack:
        """This stack, once nothing is in progress any more."""
        self._until(lambda: not self.state().endswith("IN_PROGRESS"), "settles")
        return self

    def entered(self, action: str) -> Stack:
        """This stack, once it is at an action."""
        self._until(lambda: self.state().startswith(action), f"begins to {action}")
        return self

    def state(self) -> str:
        """Its state; GONE where the list does not have it."""
        return str(self.row().get("stack_status", "GONE"))

    def outcome(self) -> str:
        """How it ends: the state and its reason."""
        row = self.settled().row()
        return self.anonymous(f"{row['stack_status']}: {row['stack_status_reason']}") if row else "GONE"

    def row(self) -> Mapping[str, Any]:
        """The stack list's row of it: the reading that disturbs nothing."""
        found = (row for row in self.heat.watch.rows() if row["id"] == self.id)
        return next(found, {})

    def resources(self, query: str = "") -> dict[str, Document]:
        rows = self.get(f"/resources{query}")["resources"]
        return {row["resource_name"]: row for row in rows}

    def until(self, resource: str, status: str) -> Stack:
        """This stack, once a resource has a status."""

        def there() -> bool:
            return bool(self.resources().get(resource, {}).get("resource_status") == status)

        self._until(there, f"has {resource} {status}")
        return self

    def happened(self, resource: str, status: str) -> Stack:
        """This stack, once an event tells so: a signal by REST takes effect after it was answered."""
        self._until(lambda: (resource, status) in self.events(), f"tells {resource} {status}")
        return self

    def physical(self, resource: str) -> str:
        """The id of what stands behind a resource."""
        return str(self.resources()[resource]["physical_resource_id"])

    def output(self, key: str) -> Any:
        """One output's value; where it has none, what went wrong."""
        output = self.get(f"/outputs/{key}")["output"]
        return output["output_value"] if "output_error" not in output else output["output_error"]

    def url(self, handle: str) -> str:
        """A handle's presigned URL, from the output of that name, also while the stack is in progress.

        Heat makes the key when the URL is asked for first, and two who ask at once get two, one of them dead.
        """
        with self._lock:
            if handle not in self._urls:
                self.until(handle, "CREATE_COMPLETE")
                self._until(lambda: self._found(handle), f"shows the URL of {handle}")
            return self._urls[handle]

    def _found(self, handle: str) -> bool:
        self._urls[handle] = str(self.output(handle))
        return self._urls[handle].startswith("http")

    def events(self) -> list[tuple[str, str]]:
        """What happened to which resource, oldest first; the stack's own are under `stack`."""
        rows = reversed(self.get("/events?limit=1000")["events"])
        named = {self.name: "stack"}
        return [(named.get(r["resource_name"], r["resource_name"]), r["resource_status"]) for r in rows]

    def history(self, resource: str) -> list[str]:
        """What the last update did to a resource, oldest first; nothing where it did not touch it."""
        events = self.events()
        began = len(events) - events[::-1].index(("stack", "UPDATE_IN_PROGRESS"))
        return [status for name, status in events[began:] if name == resource]

    def anonymous(self, text: str) -> str:
        """Text without what is another one in every run."""
        return anonymous(text.replace(self.name, "<stack>"))

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > until:
                raise TimeoutError(f"{self.name} never {what}: {self.row()}")
            time.sleep(GLANCE)


def new_name() -> str:
    """A stack name that nobody else has."""
    return f"contract-{_RUN}-{next(_NUMBERS)}"


def said(answer: requests.Response) -> str:
    """An answer of heat-api on one line: the code, and type and text where it is a refusal."""
    if answer.status_code < 400:
        return str(answer.status_code)
    error = answer.json()["error"]
    return anonymous(f"{answer.status_code} {error['type']}: {error.get('message')}")


def anonymous(text: str) -> str:
    """Text without ids and names that are others in every run."""
    text = text.replace("%3A", ":")
    text = re.sub(r"contract-[0-9a-f]{6}-\d+", "<stack>", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>", text)
    text = re.sub(r"(<stack>-\w+)-[a-z0-9]{12}\b", r"\1-<random>", text)
    return re.sub(r"\b[0-9a-f]{32}\b", "<hex>", text)
