"""A cloud inside a test's own process: in a thread, on 127.0.0.1 and free ports, gone when the block ends."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from guestagent.embedded.hypervisor import FakeHypervisor, Hypervisor
from guestagent.errors import GuestAgentError

if TYPE_CHECKING:
    from guestagent.embedded.cloud import Cloud, Settings
    from guestagent.embedded.faults import Mode, Service
    from guestagent.embedded.realheat import Ground
    from guestagent.embedded.realheat.cloud import RealCloud


@dataclass(frozen=True, slots=True)
class Serving:
    """A running cloud. `connect` is for `openstack.connect(**serving.connect)`."""

    cloud: Cloud | RealCloud
    hypervisor: Hypervisor
    loop: asyncio.AbstractEventLoop
    stopping: asyncio.Event

    @property
    def connect(self) -> dict[str, Any]:
        return self.cloud.connect

    @property
    def cfn_url(self) -> str:
        """What a guest's [cfn] metadata_url is, without the /v1/ at its end."""
        return self.cloud.cfn_url

    @property
    def dangerous_reads(self) -> list[Mapping[str, str]]:
        """Reads so far that would have endangered a real stack in progress."""
        return self.cloud.dangerous.view()

    def fault(
        self,
        service: Service,
        mode: Mode,
        seconds: float = 3600,
        delay: float = 5.0,
        method: str | None = None,
        times: int | None = None,
    ) -> None:
        """Begin an outage that ends by itself, as `faults.Fault` tells; returns when it has begun."""
        from guestagent.embedded.faults import Fault

        fault = Fault(service, mode, time.monotonic() + seconds, delay, method, times)
        asyncio.run_coroutine_threadsafe(self.cloud.begin(fault), self.loop).result(10)

    def heal(self) -> None:
        """End every outage; returns when each service answers again."""
        asyncio.run_coroutine_threadsafe(self.cloud.heal(), self.loop).result(10)

    def kill_engine(self) -> None:
        """Kill Heat's engine, which starts again by itself: stacks in progress stay so, and nobody watches them."""
        asyncio.run_coroutine_threadsafe(self.cloud.kill_engine(), self.loop).result(10)


@contextmanager
def serving(
    hypervisor: Hypervisor | None = None, settings: Settings | None = None, ground: Ground | None = None
) -> Iterator[Serving]:
    """A cloud for the length of a `with` block. Guests are faked unless a hypervisor is given, Heat unless a ground is.

    A ground (see `realheat`) is what a real Keystone and a real Heat stand on.
    """
    guests = FakeHypervisor() if hypervisor is None else hypervisor
    started: Future[Serving] = Future()
    guests.open()
    work = partial(_run, guests, settings, ground, started)
    thread = threading.Thread(target=work, name="embedded-cloud", daemon=True)
    thread.start()
    try:
        served = started.result(100)
        try:
            yield served
        finally:
            served.loop.call_soon_threadsafe(served.stopping.set)
    finally:
        thread.join(30)
        guests.close()


def _run(
    hypervisor: Hypervisor, settings: Settings | None, ground: Ground | None, started: Future[Serving]
) -> None:
    asyncio.run(_serve(hypervisor, settings, ground, started))


async def _serve(
    hypervisor: Hypervisor, settings: Settings | None, ground: Ground | None, started: Future[Serving]
) -> None:
    from guestagent.embedded.cloud import Settings

    try:
        cloud = cloud_of(hypervisor, settings or Settings(), ground)
        await cloud.start()
    except GuestAgentError as error:
        started.set_exception(error)
        return
    stopping = asyncio.Event()
    started.set_result(Serving(cloud, hypervisor, asyncio.get_running_loop(), stopping))
    await stopping.wait()
    await cloud.stop()


def cloud_of(hypervisor: Hypervisor, settings: Settings, ground: Ground | None) -> Cloud | RealCloud:
    """The cloud with a real Heat where there is a ground for it, else with the fake one; not yet started."""
    from guestagent.embedded.cloud import Cloud

    if ground is None:
        return Cloud(hypervisor, settings)
    from guestagent.embedded.realheat.cloud import RealCloud

    return RealCloud(hypervisor, settings, ground)
