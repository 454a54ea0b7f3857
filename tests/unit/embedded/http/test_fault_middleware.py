"""What a client and a service notice of an outage: each mode, in front of a small service that counts."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Message

from guestagent.embedded.http.fault_middleware import FaultMiddleware
from guestagent.embedded.http.faults import FAULT_STATUSES, ActiveFaults, Fault, FaultMode
from guestagent.embedded.http.service_names import SERVICE_NAMES, ServiceName, find_port
from guestagent.embedded.http.stale_reads import StaleReads

LATER = math.inf
PATHS: dict[ServiceName, str] = {
    "nova": "/v2.1/things",
    "cinder": "/volume/v3/p/things",
    "neutron": "/network/v2.0/things",
    "glance": "/image/v2/things",
}


@dataclass
class ThingService:
    """A service with a list of things, and the outages in front of it."""

    service: ServiceName = "nova"
    things: list[str] = field(default_factory=list)
    faults: ActiveFaults = field(default_factory=ActiveFaults)
    reads: StaleReads = field(default_factory=StaleReads)

    def __post_init__(self) -> None:
        self.path = PATHS.get(self.service, "/things")
        routes = [
            Route(self.path, self._list),
            Route(self.path, self._create, methods=["POST"]),
            Route(self.path + "/{id}", self._show),
            Route("/embedded/status", self._list),
        ]
        self.app = FaultMiddleware(Starlette(routes=routes), find_port(self.service), self.faults, self.reads)

    async def _list(self, request: Request) -> Response:
        return JSONResponse({"things": self.things})

    async def _create(self, request: Request) -> Response:
        self.things.append((await request.json())["id"])
        return JSONResponse({"thing": {"id": self.things[-1]}}, 201)

    async def _show(self, request: Request) -> Response:
        thing = request.path_params["id"]
        return JSONResponse({"thing": {"id": thing}}, 200 if thing in self.things else 404)

    async def await_creation(self) -> None:
        while not self.things:
            await asyncio.sleep(0.01)

    def start(self, mode: FaultMode, **options: object) -> None:
        self.faults.start(Fault(self.service, mode, LATER, **options))  # type: ignore[arg-type]
        if mode == "stale":
            self.reads.freeze(self.service)

    async def ask(self, method: str, path: str = "", body: object = None) -> tuple[int, object]:
        """Send a request below the service's path, and return the status and the body of the answer."""
        status, _, content = await self.send(method, self.path + path, body)
        return status, json.loads(content) if content else None

    async def send(
        self, method: str, path: str, body: object = None
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        sent: list[Message] = []
        scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
        content = b"" if body is None else json.dumps(body).encode()
        messages = [
            {"type": "http.request", "body": content[:3], "more_body": True},
            {"type": "http.request", "body": content[3:], "more_body": False},
        ]

        async def receive() -> Message:
            return messages.pop(0)

        async def note(message: Message) -> None:
            sent.append(message)

        await self.app(scope, receive, note)
        return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def run(story: Callable[[], Coroutine[object, object, None]]) -> None:
    asyncio.run(story())


@pytest.mark.parametrize("service", SERVICE_NAMES)
@pytest.mark.parametrize("mode", sorted(FAULT_STATUSES))
def test_a_service_that_answers_with_a_status_does_nothing(service: ServiceName, mode: FaultMode) -> None:
    things = ThingService(service)
    things.start(mode, retry_after=7)

    status, headers, _ = asyncio.run(things.send("POST", things.path, {"id": "a"}))

    assert (status, headers[b"retry-after"], things.things) == (int(mode), b"7", [])


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_a_lost_answer_is_that_of_a_request_that_had_its_effect(service: ServiceName) -> None:
    things = ThingService(service)
    things.start("lost", method="POST")

    answer = asyncio.run(things.ask("POST", body={"id": "a"}))

    assert (answer, things.things) == ((504, None), ["a"])


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_a_late_request_has_its_effect_after_its_answer(service: ServiceName) -> None:
    things = ThingService(service)
    things.start("late", delay=0.01, method="POST")

    async def create_late() -> None:
        assert (await things.ask("POST", body={"id": "a"}), things.things) == ((504, None), [])
        await asyncio.wait_for(things.await_creation(), 10)

    run(create_late)

    assert things.things == ["a"]


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_stale_reads_do_not_show_what_was_created_since(service: ServiceName) -> None:
    things = ThingService(service, ["old"])

    async def read_stale() -> None:
        await things.ask("GET")
        things.start("stale")
        await things.ask("POST", body={"id": "new"})
        assert await things.ask("GET") == (200, {"things": ["old"]})
        assert (await things.ask("GET", "/new"))[0] == 404
        assert (await things.ask("GET", "/old"))[0] == 200
        things.faults.clear()
        assert await things.ask("GET") == (200, {"things": ["old", "new"]})

    run(read_stale)


def test_stale_reads_show_what_is_gone() -> None:
    things = ThingService("neutron", ["old"])

    async def read_stale() -> None:
        await things.ask("GET", "/old")
        things.start("stale")
        things.things.clear()
        assert await things.ask("GET", "/old") == (200, {"thing": {"id": "old"}})

    run(read_stale)


def test_the_clouds_own_api_has_no_outages() -> None:
    things = ThingService("nova")
    things.start("503")

    status, _, _ = asyncio.run(things.send("GET", "/embedded/status"))

    assert status == 200


def test_one_service_of_the_shared_port_fails_alone() -> None:
    things = ThingService("nova")
    things.faults.start(Fault("cinder", "503", LATER))

    assert asyncio.run(things.ask("GET")) == (200, {"things": []})
    assert asyncio.run(things.send("GET", "/volume/v3/p/volumes"))[0] == 503


def test_a_late_request_is_dropped_when_the_cloud_ends() -> None:
    things = ThingService("nova")
    things.start("late", delay=0)

    async def create_and_close() -> None:
        await things.ask("POST", body={"id": "a"})
        things.app.close()
        await asyncio.sleep(0.01)

    run(create_and_close)

    assert things.things == []
