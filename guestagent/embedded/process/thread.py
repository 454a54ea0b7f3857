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

from guestagent.embedded.openstack.nova.hypervisor import FakeHypervisor, Hypervisor
from guestagent.errors import GuestAgentError

if TYPE_CHECKING:
    from guestagent.embedded.http.faults import FaultMode, ServiceName
    from guestagent.embedded.process.cloud_settings import CloudSettings
    from guestagent.embedded.process.fake_heat_cloud import FakeHeatCloud
    from guestagent.embedded.process.real_heat_cloud import RealHeatCloud
    from guestagent.embedded.real_heat import RealHeatSetup


@dataclass(frozen=True, slots=True)
class Serving:
    """A running cloud. `connect` is for `openstack.connect(**serving.connect)`."""

    cloud: FakeHeatCloud | RealHeatCloud
    hypervisor: Hypervisor
    loop: asyncio.AbstractEventLoop
    stop_event: asyncio.Event

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
        return self.cloud.unsafe_reads.format_reads()

    def fault(
        self,
        service: ServiceName,
        mode: FaultMode,
        seconds: float = 3600,
        delay: float = 5.0,
        method: str | None = None,
        times: int | None = None,
    ) -> None:
        """Begin an outage that ends by itself, as `faults.Fault` tells; returns when it has begun."""
        from guestagent.embedded.http.faults import Fault

        fault = Fault(service, mode, time.monotonic() + seconds, delay, method, times)
        asyncio.run_coroutine_threadsafe(self.cloud.start_fault(fault), self.loop).result(10)

    def heal(self) -> None:
        """End every outage; returns when each service answers again."""
        asyncio.run_coroutine_threadsafe(self.cloud.clear_faults(), self.loop).result(10)

    def kill_engine(self) -> None:
        """Kill Heat's engine, which starts again by itself: stacks in progress stay so, and nobody watches them."""
        asyncio.run_coroutine_threadsafe(self.cloud.kill_engine(), self.loop).result(10)


@contextmanager
def serving(
    hypervisor: Hypervisor | None = None,
    settings: CloudSettings | None = None,
    ground: RealHeatSetup | None = None,
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
            served.loop.call_soon_threadsafe(served.stop_event.set)
    finally:
        thread.join(30)
        guests.close()


def _run(
    hypervisor: Hypervisor,
    settings: CloudSettings | None,
    ground: RealHeatSetup | None,
    started: Future[Serving],
) -> None:
    asyncio.run(_serve(hypervisor, settings, ground, started))


async def _serve(
    hypervisor: Hypervisor,
    settings: CloudSettings | None,
    ground: RealHeatSetup | None,
    started: Future[Serving],
) -> None:
    from guestagent.embedded.process.cloud_settings import CloudSettings

    try:
        cloud = build_cloud(hypervisor, settings or CloudSettings(), ground)
        await cloud.start()
    except GuestAgentError as error:
        started.set_exception(error)
        return
    stopping = asyncio.Event()
    started.set_result(Serving(cloud, hypervisor, asyncio.get_running_loop(), stopping))
    await stopping.wait()
    await cloud.stop()


def build_cloud(
    hypervisor: Hypervisor, settings: CloudSettings, ground: RealHeatSetup | None
) -> FakeHeatCloud | RealHeatCloud:
    """The cloud with a real Heat where there is a ground for it, else with the fake one; not yet started."""
    from guestagent.embedded.process.fake_heat_cloud import FakeHeatCloud

    if ground is None:
        return FakeHeatCloud(hypervisor, settings)
    from guestagent.embedded.process.real_heat_cloud import RealHeatCloud

    return RealHeatCloud(hypervisor, settings, ground)
