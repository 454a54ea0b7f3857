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
    from guestagent.embedded.http.faults import FaultMode
    from guestagent.embedded.http.service_names import ServiceName
    from guestagent.embedded.process.cloud_settings import CloudSettings
    from guestagent.embedded.process.fake_heat_cloud import FakeHeatCloud
    from guestagent.embedded.process.real_heat_cloud import RealHeatCloud
    from guestagent.embedded.real_heat import RealHeatSetup


START_TIMEOUT_S = 100.0
STOP_TIMEOUT_S = 30.0
CALL_TIMEOUT_S = 10.0


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
        """The metadata_url of a guest's [cfn] section, without the /v1/ at its end."""
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
        path: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Start an outage that ends by itself (see `faults.Fault`); return when it has begun."""
        from guestagent.embedded.http.faults import Fault

        until = time.monotonic() + seconds
        fault = Fault(service, mode, until, delay, method, times, path, retry_after)
        asyncio.run_coroutine_threadsafe(self.cloud.start_fault(fault), self.loop).result(CALL_TIMEOUT_S)

    def heal(self) -> None:
        """End every outage; return when each service answers again."""
        asyncio.run_coroutine_threadsafe(self.cloud.clear_faults(), self.loop).result(CALL_TIMEOUT_S)

    def kill_engine(self) -> None:
        """Kill Heat's engine, which starts again by itself. Stacks in progress stay so: no engine works on them."""
        asyncio.run_coroutine_threadsafe(self.cloud.kill_engine(), self.loop).result(CALL_TIMEOUT_S)


@contextmanager
def serving(
    hypervisor: Hypervisor | None = None,
    settings: CloudSettings | None = None,
    setup: RealHeatSetup | None = None,
) -> Iterator[Serving]:
    """Run a cloud for the length of a `with` block.

    Guests are faked unless a hypervisor is given, Keystone and Heat unless a `setup` is (see `real_heat`).
    """
    guests = FakeHypervisor() if hypervisor is None else hypervisor
    started: Future[Serving] = Future()
    guests.open()
    work = partial(_run, guests, settings, setup, started)
    thread = threading.Thread(target=work, name="embedded-cloud", daemon=True)
    thread.start()
    try:
        served = started.result(START_TIMEOUT_S)
        try:
            yield served
        finally:
            served.loop.call_soon_threadsafe(served.stop_event.set)
    finally:
        thread.join(STOP_TIMEOUT_S)
        guests.close()


def _run(
    hypervisor: Hypervisor,
    settings: CloudSettings | None,
    setup: RealHeatSetup | None,
    started: Future[Serving],
) -> None:
    asyncio.run(_serve(hypervisor, settings, setup, started))


async def _serve(
    hypervisor: Hypervisor,
    settings: CloudSettings | None,
    setup: RealHeatSetup | None,
    started: Future[Serving],
) -> None:
    from guestagent.embedded.process.cloud_settings import CloudSettings

    try:
        cloud = build_cloud(hypervisor, settings or CloudSettings(), setup)
        await cloud.start()
    except GuestAgentError as error:
        started.set_exception(error)
        return
    stop_event = asyncio.Event()
    started.set_result(Serving(cloud, hypervisor, asyncio.get_running_loop(), stop_event))
    await stop_event.wait()
    await cloud.stop()


def build_cloud(
    hypervisor: Hypervisor, settings: CloudSettings, setup: RealHeatSetup | None
) -> FakeHeatCloud | RealHeatCloud:
    """Build the cloud, with a real Heat if there is a set-up for one. It is not started yet."""
    from guestagent.embedded.process.fake_heat_cloud import FakeHeatCloud

    if setup is None:
        return FakeHeatCloud(hypervisor, settings)
    from guestagent.embedded.process.real_heat_cloud import RealHeatCloud

    return RealHeatCloud(hypervisor, settings, setup)
