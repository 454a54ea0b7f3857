"""A client of the embedded cloud: starts it as a separate process, finds it again, queries and ends it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from keystoneauth1.exceptions import ClientException

from guestagent import atomic_file
from guestagent.embedded.guests.subnet_use import check_subnet
from guestagent.embedded.host.commands import CompletedCommand
from guestagent.embedded.host.process_identity import find_holders
from guestagent.embedded.openstack.keystone.login import open_session
from guestagent.embedded.process import clouds_yaml
from guestagent.embedded.process.daemon import (
    build_guest_hypervisor,
    prepare_real_heat,
    sweep_leftovers,
)
from guestagent.embedded.process.launch import START_TIMEOUT_S, STOP_TIMEOUT_S, CloudProcess
from guestagent.embedded.process.state_file import (
    CloudOptions,
    CloudState,
    load_cloud_state,
    read_cloud_state,
)
from guestagent.embedded.process.state_folder import (
    clean_state_folder,
    get_run_lock,
    hold_state_folder,
    is_cloud_running,
)
from guestagent.errors import CloudRefused, CloudUnreachable, GuestAgentError
from guestagent.strict_json import UnreadableContent
from guestagent.unreadable_file import quarantine_file

KILL_TIMEOUT_S = 5.0
START_POLL_INTERVAL_S = 0.05
STOP_POLL_INTERVAL_S = 0.02
STATUS_TIMEOUT_S = 10.0


def start_cloud(options: CloudOptions) -> CloudState:
    """Return a running cloud: the one that runs already, or a new one, when it answers."""
    with hold_state_folder(options.state_folder):
        if not is_cloud_running(options.state_folder):
            _quarantine_unreadable_state(options)
        state = _wait_for_start(options)
        if state is not None and state.is_alive:
            _check_same_heat(options, state)
            _check_same_image(options, state)
            clouds_yaml.write_entry(options.clouds_file, options.name, state.clouds_entry)
            return state
        if options.guests:
            check_subnet(options.bridge, options.network)
        prepare_real_heat(options)
        process = CloudProcess(options)
        try:
            return process.wait_for_state()
        except GuestAgentError:
            if process.was_killed and os.geteuid() == 0:
                sweep_leftovers(options)
            raise


def stop_cloud(options: CloudOptions, purge: bool = False) -> bool:
    """End the cloud and remove what it made, also after it was killed. Return False if there was none.

    The guests' image stays for the next start, unless `purge`.
    """
    if not options.state_folder.is_dir():
        return False
    with hold_state_folder(options.state_folder):
        was_unreadable = _quarantine_unreadable_state(options)
        if was_unreadable and is_cloud_running(options.state_folder):
            _end_lock_holders(options)
        state = _wait_for_start(options)
        if state is not None and state.is_alive:
            _end_cloud(state)
        if os.geteuid() == 0:
            sweep_leftovers(options if state is None else state.restore_options(options))
        atomic_file.remove_file(options.state_file)
        clouds_yaml.remove_entry(options.clouds_file, options.name)
    clean_state_folder(options.state_folder, purge)
    return was_unreadable or state is not None


def fetch_status(state: CloudState) -> dict[str, object]:
    """Fetch stacks, servers and unsafe reads from the cloud itself."""
    session = open_session(state.auth_url, state.username, state.password, state.project, STATUS_TIMEOUT_S)
    try:
        return dict(session.get(f"{state.admin_url}/status").json())
    except ClientException as error:
        raise CloudUnreachable(f"the embedded cloud does not answer: {type(error).__name__}") from error


def build_enter_command(options: CloudOptions, guest: str, words: Sequence[str]) -> tuple[str, ...]:
    """Build the command line that runs `words` in a guest, named by its id, address, server or resource."""
    state = load_cloud_state(options)
    if state is None or not state.is_alive:
        raise CloudRefused(
            f"the cloud {options.name} is not up: start it with `guestagent cloud up --name {options.name}`"
        )
    if not state.guests:
        raise CloudRefused(f"the cloud {options.name} was started with --no-guests")
    servers = fetch_status(state)["servers"]
    assert isinstance(servers, list)
    hypervisor = build_guest_hypervisor(state.restore_options(options))
    return hypervisor.build_exec_command(choose_guest(servers, guest), words)


def choose_guest(servers: Sequence[Mapping[str, str]], guest: str) -> str:
    """Return the id of the server that `guest` names: by its id, address, name, or resource.

    CloudRefused if there is none, or if several stacks have such a resource.
    """
    found = [s for s in servers if guest in (s["id"], s["address"], s["name"])] or [
        s for s in servers if guest in s["name"].split("-")[-2:-1]
    ]
    if len(found) > 1:
        choices = ", ".join(sorted(f"{s['name']} ({s['address']})" for s in found))
        raise CloudRefused(
            f"{len(found)} guests are named {guest}: {choices}; give the server's name or its address"
        )
    if not found:
        names = ", ".join(sorted(s["name"] for s in servers)) or "none"
        raise CloudRefused(f"there is no guest {guest}; there are: {names}")
    return found[0]["id"]


def run_in_guest(options: CloudOptions, guest_id: str, words: Sequence[str]) -> CompletedCommand:
    """Run `words` in a guest of the running cloud to their end."""
    return build_guest_hypervisor(options).run_command(guest_id, words)


def _check_same_heat(options: CloudOptions, state: CloudState) -> None:
    if (state.heat, state.heat_release) != (options.heat, options.heat_release):
        raise CloudRefused(
            f"the cloud {options.name} runs already, with a {state.heat} Heat: end it first (guestagent cloud down)"
        )


def _check_same_image(options: CloudOptions, state: CloudState) -> None:
    if options.image_tree is not None and str(options.image_tree) != state.image_tree:
        present = f"the image {state.image_tree}" if state.image_tree else "guests that are namespaces"
        raise CloudRefused(
            f"the cloud {options.name} runs already, with {present}: end it first (guestagent cloud down)"
        )


def _wait_for_start(options: CloudOptions) -> CloudState | None:
    """Load the state file. Wait for a cloud that is still starting: the process that started it may be dead by now."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        state = load_cloud_state(options)
        if (state is not None and state.is_alive) or not is_cloud_running(options.state_folder):
            break
        time.sleep(START_POLL_INTERVAL_S)
    return state


def _quarantine_unreadable_state(options: CloudOptions) -> bool:
    """Quarantine a state file that cannot be read; return whether there was one."""
    try:
        read_cloud_state(options)
    except UnreadableContent as error:
        quarantine_file(options.state_file, str(error))
        return True
    return False


def _end_cloud(state: CloudState) -> None:
    _end_processes(lambda: [state.pid] if state.is_alive else [], lambda: state.is_alive)


def _end_lock_holders(options: CloudOptions) -> None:
    """End a cloud that has no readable state file: it is known by the lock that it holds."""
    lock = get_run_lock(options.state_folder)
    _end_processes(lambda: find_holders(lock), lambda: is_cloud_running(options.state_folder))


def _end_processes(list_pids: Callable[[], Iterable[int]], is_running: Callable[[], bool]) -> None:
    """Send SIGTERM, and SIGKILL if that is not enough."""
    for number, timeout in ((signal.SIGTERM, STOP_TIMEOUT_S), (signal.SIGKILL, KILL_TIMEOUT_S)):
        deadline = time.monotonic() + timeout
        for pid in list_pids():
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        while is_running() and time.monotonic() < deadline:
            time.sleep(STOP_POLL_INTERVAL_S)
