"""The embedded cloud as a process of its own: started detached, found again, ended, swept after a kill.

subprocess is imported here and in rooms of their own only.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from guestagent import atomic_file
from guestagent.embedded.host.cache_folder import make_public_folder
from guestagent.embedded.openstack.nova.hypervisor import FakeHypervisor, Hypervisor
from guestagent.embedded.process import clouds_yaml
from guestagent.embedded.process.state_file import (
    CloudOptions,
    CloudState,
    find_holders,
    get_start_time,
    load_cloud_state,
    read_cloud_state,
    write_cloud_state,
)
from guestagent.errors import (
    CloudRefused,
    CloudUnreachable,
    DeadlineExceeded,
    GuestAgentError,
    InvalidInput,
    Problem,
    UnsupportedEnvironment,
)
from guestagent.file_lock import hold_lock, open_lock, try_lock
from guestagent.secret import Secret
from guestagent.strict_json import UnreadableContent
from guestagent.unreadable_file import quarantine_file

if TYPE_CHECKING:
    from guestagent.embedded.real_heat import RealHeatSetup

log = logging.getLogger(__name__)

START_TIMEOUT_S = 120.0  # the first start builds the guests' image
STOP_TIMEOUT_S = 60.0
STATE_FOLDER_MODE = (
    0o711  # the daemons of a real Heat have an account of their own, and must get to their folder
)
UNSUPPORTED_EXIT_CODE = UnsupportedEnvironment.exit_code


def start_cloud(options: CloudOptions) -> CloudState:
    """A running cloud: the one that runs already, or a new one. Returns when it answers."""
    with _alone(options.state_folder):
        if not _lives(options.state_folder):
            _keep_unreadable_aside(options)
        record = _settled(options)
        if record is not None and record.is_alive:
            _same_heat(options, record)
            clouds_yaml.write_entry(options.clouds_file, options.name, record.clouds_entry)
            return record
        _prepare(options)
        child = _spawn(options)
        try:
            return _wait_for_record(options, child)
        except GuestAgentError:
            _end_child(child)
            if child.returncode < 0 and os.geteuid() == 0:
                _sweep(options)  # a signal ended it, so that it could remove nothing itself
            raise


def stop_cloud(options: CloudOptions, purge: bool = False) -> bool:
    """End the cloud and remove what it made; also after it was killed. False where there was none.

    The guests' image stays for the next start, unless `purge`.
    """
    if not options.state_folder.is_dir():
        return False
    with _alone(options.state_folder):
        was_unreadable = _keep_unreadable_aside(options)
        if was_unreadable and _lives(options.state_folder):
            _end_holders(options.state_folder)
        record = _settled(options)
        if record is not None and record.is_alive:
            _end(record)
        if os.geteuid() == 0:
            _sweep(options if record is None else record.restore_options(options))
        atomic_file.remove_file(options.state_file)
        clouds_yaml.remove_entry(options.clouds_file, options.name)
    _tidy(options.state_folder, purge)
    return was_unreadable or record is not None


def fetch_status(record: CloudState) -> dict[str, object]:
    """Stacks, servers and dangerous reads, as the cloud itself tells them."""
    try:
        answer = requests.get(
            f"{record.admin_url}/status", headers={"X-Auth-Token": _token(record)}, timeout=10
        )
        told: dict[str, object] = answer.json()
    except requests.RequestException as error:
        raise CloudUnreachable(f"the embedded cloud does not answer: {type(error).__name__}") from error
    return told


def build_enter_command(options: CloudOptions, guest: str, words: Sequence[str]) -> tuple[str, ...]:
    """The command line that runs `words` inside a guest: named by id, address, server or resource."""
    record = load_cloud_state(options)
    if record is None or not record.is_alive or not record.guests:
        raise CloudRefused(f"the cloud {options.name} runs no guests")
    servers = fetch_status(record)["servers"]
    assert isinstance(servers, list)
    for server in servers:
        if guest in (server["id"], server["address"], server["name"], *server["name"].split("-")[-2:-1]):
            from guestagent.embedded.guests import NamespaceHypervisor

            hypervisor = build_hypervisor(record.restore_options(options))
            assert isinstance(hypervisor, NamespaceHypervisor)
            return hypervisor.build_exec_command(server["id"], words)
    there = ", ".join(sorted(server["name"] for server in servers)) or "none"
    raise CloudRefused(f"there is no guest {guest}; there are: {there}")


def run_foreground(options: CloudOptions) -> None:
    """The cloud in this very process, until SIGTERM or SIGINT."""
    record = load_cloud_state(options)
    if record is not None and record.is_alive:
        raise CloudRefused(f"the cloud {options.name} runs already (pid {record.pid})")
    _sweep(options)
    run_cloud(build_hypervisor(options), options, _prepare(options))


def run_cloud(hypervisor: Hypervisor, options: CloudOptions, ground: RealHeatSetup | None = None) -> None:
    """Run the cloud on this hypervisor, and close that however the cloud ends, even if the entry cannot be removed."""
    hypervisor.open()
    with ExitStack() as ending:
        ending.callback(hypervisor.close)
        ending.callback(atomic_file.remove_file, options.state_file)
        ending.callback(clouds_yaml.remove_entry, options.clouds_file, options.name)
        asyncio.run(_serve(options, hypervisor, ground))


def build_hypervisor(options: CloudOptions) -> Hypervisor:
    """What boots this cloud's guests: namespaces, or nothing at all."""
    if not options.guests:
        return FakeHypervisor()
    from guestagent.embedded.guests import NamespaceHypervisor

    return NamespaceHypervisor(
        options.state_folder, options.bridge, options.gateway, options.network.prefixlen
    )


def _same_heat(options: CloudOptions, record: CloudState) -> None:
    if (record.heat, record.heat_release) != (options.heat, options.heat_release):
        raise CloudRefused(
            f"the cloud {options.name} runs already, with a {record.heat} Heat: end it first (guestagent cloud down)"
        )


def _prepare(options: CloudOptions) -> RealHeatSetup | None:
    """What a real Heat is made from, made before anybody waits for it to answer: the first time it takes long."""
    if options.heat != "real":
        return None
    if options.network.version != 4:
        wanted = "a subnet of IPv4 with --heat real"
        raise InvalidInput(
            [Problem("--subnet", wanted, str(options.network), "--heat fake has subnets of IPv6 too")]
        )
    from guestagent.embedded.real_heat import ground_for

    make_public_folder(options.state_folder.parent)
    options.state_folder.mkdir(mode=atomic_file.PRIVATE_FOLDER, exist_ok=True)
    options.state_folder.chmod(STATE_FOLDER_MODE)
    return ground_for(options.heat_folder, options.heat_release)


def _sweep(options: CloudOptions) -> None:
    """End and remove what an earlier run left, its Heat too, whichever it had."""
    from guestagent.embedded.real_heat import remove_leftovers

    remove_leftovers(options.heat_folder)
    build_hypervisor(options).sweep()


async def _serve(options: CloudOptions, hypervisor: Hypervisor, ground: RealHeatSetup | None) -> None:
    from guestagent.embedded.process.fake_heat_cloud import CloudSettings
    from guestagent.embedded.process.thread import build_cloud

    host = options.gateway if options.guests else "127.0.0.1"
    cloud = build_cloud(
        hypervisor, CloudSettings(host, options.network, options.auth_ttl, usual_ports=True), ground
    )
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await cloud.start()
    try:
        _publish(options, cloud.endpoints, cloud.password)
        await stopping.wait()
    finally:
        await cloud.stop()


def _publish(options: CloudOptions, endpoints: Mapping[str, str], password: Secret) -> None:
    """Write the record and the clouds.yaml entry: from now on others find the cloud."""
    from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME, REGION_NAME, USER_NAME

    record = CloudState(
        pid=os.getpid(),
        born=get_start_time(os.getpid()),
        network=str(options.network),
        guests=options.guests,
        auth_url=endpoints["identity"],
        admin_url=endpoints["embedded"],
        username=USER_NAME,
        project=PROJECT_NAME,
        region=REGION_NAME,
        password=password,
        heat=options.heat,
        heat_release=options.heat_release,
    )
    clouds_yaml.write_entry(options.clouds_file, options.name, record.clouds_entry)
    write_cloud_state(options, record)
    log.info("cloud %s answers at %s", options.name, record.auth_url)


def _spawn(options: CloudOptions) -> subprocess.Popen[bytes]:
    """The daemon: the same command in the foreground, in a session of its own. No secret is in its words."""
    words = [sys.executable, "-m", "guestagent", "cloud", "up", "--foreground", "--name", options.name]
    words += ["--state", str(options.state_folder), "--clouds-file", str(options.clouds_file)]
    words += ["--subnet", str(options.network), "--auth-ttl", str(options.auth_ttl.total_seconds() / 60)]
    words += [] if options.guests else ["--no-guests"]
    words += ["--heat", options.heat]
    words += ["--heat-release", str(options.heat_release)] if options.heat_release else []
    written = open_lock(options.log_file)
    try:
        os.ftruncate(written, 0)
        with hold_lock(_running(options.state_folder)) as running:
            return subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                start_new_session=True,
                cwd="/",
                pass_fds=(running,),  # held for as long as the cloud lives
            )
    finally:
        os.close(written)


def _wait_for_record(options: CloudOptions, child: subprocess.Popen[bytes]) -> CloudState:
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until:
        record = load_cloud_state(options)
        if record is not None and record.pid == child.pid:
            return record
        if child.poll() is not None:
            raise _stillborn(options, child.returncode)
        time.sleep(0.05)
    raise DeadlineExceeded(f"the cloud does not answer after {START_TIMEOUT_S:.0f} s; see {options.log_file}")


def _end_child(child: subprocess.Popen[bytes]) -> None:
    """End a cloud that did not come up: it removes what it made, unless it has to be killed."""
    child.terminate()
    try:
        child.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _settled(options: CloudOptions) -> CloudState | None:
    """As find, but a cloud that is still starting is waited for: whoever started it may be dead by now."""
    until = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < until:
        record = load_cloud_state(options)
        if (record is not None and record.is_alive) or not _lives(options.state_folder):
            break
        time.sleep(0.05)
    return record


def _lives(state: Path) -> bool:
    running = open_lock(_running(state))
    try:
        return not try_lock(running)
    finally:
        os.close(running)


def _running(state: Path) -> Path:
    """The lock that every started cloud holds from its first moment on, before it has a record."""
    return state / "running"


def _stillborn(options: CloudOptions, code: int) -> Exception:
    lines = options.log_file.read_text(errors="replace").splitlines() or ["no word"]
    said = lines[-1].removeprefix("guestagent: ")
    if code == UNSUPPORTED_EXIT_CODE:
        return UnsupportedEnvironment(said)
    return CloudRefused(f"the cloud ended at once with code {code}: {said}; see {options.log_file}")


def _tidy(state: Path, purge: bool) -> None:
    if purge:
        for reused in ("image", "heat"):
            shutil.rmtree(state / reused, ignore_errors=True)
    for left in ("cloud.log", "lock", "running"):
        (state / left).unlink(missing_ok=True)
    for folder in (state / "guests", state):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _end(record: CloudState) -> None:
    for number, seconds in ((signal.SIGTERM, STOP_TIMEOUT_S), (signal.SIGKILL, 5.0)):
        until = time.monotonic() + seconds
        if record.is_alive:
            os.kill(record.pid, number)
        while record.is_alive and time.monotonic() < until:
            time.sleep(0.02)


def _keep_unreadable_aside(options: CloudOptions) -> bool:
    """Keep a record aside that cannot be read; return whether there was such a one."""
    try:
        read_cloud_state(options)
    except UnreadableContent as error:
        quarantine_file(options.state_file, str(error))
        return True
    return False


def _end_holders(state: Path) -> None:
    """End a cloud of which there is no record: it is known by the lock that it holds."""
    for number, seconds in ((signal.SIGTERM, STOP_TIMEOUT_S), (signal.SIGKILL, 5.0)):
        until = time.monotonic() + seconds
        for pid in find_holders(_running(state)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        while _lives(state) and time.monotonic() < until:
            time.sleep(0.02)


def _token(record: CloudState) -> str:
    user = {"name": record.username, "domain": {"id": "default"}, "password": record.password.reveal()}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}}
    answer = requests.post(f"{record.auth_url}/auth/tokens", json={"auth": auth}, timeout=10)
    return str(answer.headers.get("X-Subject-Token", ""))


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """One `up` or `down` at a time on one state folder."""
    make_public_folder(state.parent)
    state.mkdir(mode=atomic_file.PRIVATE_FOLDER, exist_ok=True)
    lock = open_lock(state / "lock")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
