"""Golden answers of `cloud` and `demo`. Nothing is started: this process stands for the cloud's process."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from starlette.requests import Request

from guestagent.cli import demo
from guestagent.controller import Stacks
from guestagent.demo import DemoResult
from guestagent.demo.checks import FailedNode
from guestagent.embedded.heat.api.admin import AdminApi, FaultTarget
from guestagent.embedded.heat.unsafe_reads import UnsafeReads
from guestagent.embedded.host import process_identity
from guestagent.embedded.http.faults import FAULT_MODES, Fault
from guestagent.embedded.http.service_names import SERVICE_NAMES
from guestagent.embedded.openstack.glance.images import IMAGES
from guestagent.embedded.openstack.nova.compute_server import ComputeServer
from guestagent.embedded.openstack.nova.flavors import FLAVORS
from guestagent.embedded.openstack.nova.hypervisor import FakeHypervisor
from guestagent.embedded.openstack.nova.servers import Compute
from guestagent.embedded.process import state_file
from guestagent.embedded.process.fake_heat_cloud import FakeHeatCloud
from guestagent.embedded.process.state_file import CloudState
from tests.support.http_server import SilentHandler, serve_requests
from tests.unit.golden.cluster_answers import build_failed
from tests.unit.golden.command_line import ERROR_PROSE, answer_command, spell_answer
from tests.unit.golden.embedded_files import FAKE_CLOUD, REAL_CLOUD, build_options
from tests.unit.golden.golden_file import golden, to_json

NETWORK = IPv4Network("10.77.0.0/24")


def answer_cloud(folder: Path, action: str, *words: str, texts: Mapping[str, str] | None = None) -> str:
    """Run a command for the cloud in this folder. Its name is not that of a cloud that may run here."""
    options = [
        "--name",
        "golden",
        "--state",
        str(folder / "state"),
        "--clouds-file",
        str(folder / "clouds.yaml"),
    ]
    return answer_command(["cloud", action, *options, *words], folder, ERROR_PROSE, texts)


def write_running_record(folder: Path, value: CloudState) -> None:
    """Write the record of a cloud that seems to run, with this process as its process."""
    alive = replace(value, pid=os.getpid(), born=process_identity.get_start_time(os.getpid()))
    state_file.write_cloud_state(build_options(folder / "state"), alive)


def hide_process(text: str) -> str:
    """Hide the number of this process."""
    return text.replace(f'"pid": {os.getpid()}', '"pid": 4711')


def describe_cloud() -> Mapping[str, object]:
    """Return the cloud's own answer: stacks, servers, and reads that would endanger a real stack."""
    stack = SimpleNamespace(name="db", state="CREATE_FAILED", reason="no login")
    engine = SimpleNamespace(list_stacks=lambda: [stack])
    compute = Compute(FakeHypervisor(), NETWORK, cast(Executor, None))
    server = ComputeServer(
        "db-Slave0000-abcdef", FLAVORS[0], IMAGES[0], "10.77.0.11", b"", id="1f0e", status="ACTIVE"
    )
    compute.servers[server.id] = server
    dangerous = UnsafeReads()
    dangerous.record_status_read("db", "CREATE_IN_PROGRESS", "outputs")

    async def list_stacks() -> list[Mapping[str, str]]:
        return await FakeHeatCloud._list_stacks(cast(FakeHeatCloud, SimpleNamespace(engine=engine)))

    admin = AdminApi(list_stacks, compute, dangerous, cast(FaultTarget, None))
    response = asyncio.run(admin._show_status(cast(Request, None)))
    answer: dict[str, Any] = json.loads(bytes(response.body))
    for read in answer["dangerous_reads"]:
        read["at"] = "<time>"
    return answer


class CloudHandler(SilentHandler):
    """Gives a token to everybody, and answers every GET with the description of a cloud."""

    def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
        self.read_body()
        token = {"methods": ["password"], "expires_at": "2100-01-01T00:00:00Z", "user": {"id": "u"}}
        self._answer(201, {"token": token}, {"X-Subject-Token": "token"})

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        self._answer(200, describe_cloud(), {})

    def _answer(self, status: int, document: Mapping[str, object], headers: Mapping[str, str]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@golden("answers/cloud-up/runs.json")
def build_up(folder: Path) -> str:
    write_running_record(folder, FAKE_CLOUD)
    return hide_process(answer_cloud(folder, "up"))


@golden("answers/cloud-up/error-another-heat.json")
def build_refused_up(folder: Path) -> str:
    write_running_record(folder, FAKE_CLOUD)
    return answer_cloud(folder, "up", "--heat", "real")


@golden("answers/cloud-status/runs.json")
def build_status(folder: Path) -> str:
    """Build the answer of a cloud whose Keystone and status are served on a port of this process."""
    with serve_requests(CloudHandler) as port:
        url = f"http://127.0.0.1:{port}"
        write_running_record(folder, replace(REAL_CLOUD, auth_url=f"{url}/v3", admin_url=url))
        return answer_cloud(folder, "status", texts={f"{url}/v3": REAL_CLOUD.auth_url})


@golden("answers/cloud-status/down.json")
def build_status_of_none(folder: Path) -> str:
    return answer_cloud(folder, "status")


@golden("answers/cloud-down/was-down.json")
def build_down(folder: Path) -> str:
    """Build the answer for a cloud that never ran: to end one would end this process."""
    return answer_cloud(folder, "down")


@golden("answers/cloud-ssh/error-no-cloud.json")
def build_ssh(folder: Path) -> str:
    """Build the only answer there is: if the cloud runs, the command becomes the shell."""
    return answer_cloud(folder, "ssh", "Slave0000")


@golden("answers/demo/failed.json")
def build_demo(folder: Path) -> str:
    status = Stacks(build_failed()).status("db")
    failing = (FailedNode("Slave0000", "no login", ("INFO this was said last",)),)
    found = DemoResult(12, ("Slave0000 is failed",), status, failing, exit_code=6)
    return spell_answer(demo.build_result_document(found, 42.25, is_kept=True), None, folder)


@golden("answers/demo/held.json")
def build_held_demo(folder: Path) -> str:
    return spell_answer(demo.build_result_document(DemoResult(0), 42.25, is_kept=False), None, folder)


@golden("contract/embedded_status.json")
def build_embedded_status(folder: Path) -> str:
    """Build the answer of /embedded/status, which `cloud status` reads."""
    return to_json(describe_cloud())


@golden("contract/embedded_faults.json")
def build_faults(folder: Path) -> str:
    """Build the answer of /embedded/faults, and the outage that a request begins there."""
    asked = {"service": "heat", "mode": "slow", "seconds": 5, "delay": 1.5, "method": "GET", "times": 2}
    begun: list[Fault] = []

    async def read() -> Mapping[str, object]:
        return asked

    async def begin(fault: Fault) -> None:
        begun.append(fault)

    outages = cast(FaultTarget, SimpleNamespace(start_fault=begin))
    admin = AdminApi(cast(Any, None), cast(Compute, None), UnsafeReads(), outages)
    response = asyncio.run(admin._start_fault(cast(Request, SimpleNamespace(json=read))))
    fault = begun[0]
    return to_json(
        {
            "asked": asked,
            "answer": json.loads(bytes(response.body)),
            "begun": [fault.service, fault.mode, fault.delay, fault.method, fault.times],
            "services": list(SERVICE_NAMES),
            "modes": list(FAULT_MODES),
        }
    )
