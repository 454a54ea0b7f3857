"""The embedded cloud in this very process: prepared, run until a signal ends it, and its leftovers removed."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Mapping
from contextlib import ExitStack

from guestagent import atomic_file
from guestagent.embedded.containers import ContainerHypervisor, open_image_tree, sweep_cloud
from guestagent.embedded.guests import NamespaceHypervisor
from guestagent.embedded.guests.subnet_use import check_subnet
from guestagent.embedded.host.cache_folder import make_public_folder
from guestagent.embedded.host.process_identity import get_start_time
from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME, REGION_NAME, USER_NAME
from guestagent.embedded.openstack.nova.hypervisor import FakeHypervisor, Hypervisor
from guestagent.embedded.process import clouds_yaml
from guestagent.embedded.process.cloud_settings import CloudSettings
from guestagent.embedded.process.state_file import (
    CloudOptions,
    CloudState,
    load_cloud_state,
    write_cloud_state,
)
from guestagent.embedded.real_heat import RealHeatSetup, open_heat_setup, remove_leftovers
from guestagent.errors import CloudRefused, InvalidInput, Problem
from guestagent.retry import SystemClock
from guestagent.secret import Secret

log = logging.getLogger(__name__)

# The daemons of a real Heat have an account of their own, which must reach their folder.
STATE_FOLDER_MODE = 0o711


def run_foreground(options: CloudOptions) -> None:
    """Run the cloud until SIGTERM or SIGINT."""
    state = load_cloud_state(options)
    if state is not None and state.is_alive:
        raise CloudRefused(f"the cloud {options.name} runs already (pid {state.pid})")
    sweep_leftovers(options)
    if options.guests:
        check_subnet(options.bridge, options.network)
    run_cloud(build_hypervisor(options), options, prepare_real_heat(options))


def run_cloud(hypervisor: Hypervisor, options: CloudOptions, setup: RealHeatSetup | None = None) -> None:
    """Run the cloud on this hypervisor, and close that however the cloud ends, even if the entry cannot be removed."""
    hypervisor.open()
    with ExitStack() as cleanup:
        cleanup.callback(hypervisor.close)
        cleanup.callback(atomic_file.remove_file, options.state_file)
        cleanup.callback(clouds_yaml.remove_entry, options.clouds_file, options.name)
        asyncio.run(_serve(options, hypervisor, setup))


def build_hypervisor(options: CloudOptions) -> Hypervisor:
    """Build what boots this cloud's guests: containers of an image, namespaces, or nothing at all."""
    return build_guest_hypervisor(options) if options.guests else FakeHypervisor()


def build_guest_hypervisor(options: CloudOptions) -> ContainerHypervisor | NamespaceHypervisor:
    """Build the hypervisor of real guests."""
    place = (options.state_folder, options.bridge, options.gateway, options.network.prefixlen)
    if options.image_tree is not None:
        return ContainerHypervisor(*place, open_image_tree(options.image_tree))
    return NamespaceHypervisor(*place)


def prepare_real_heat(options: CloudOptions) -> RealHeatSetup | None:
    """Prepare what a real Heat is made from, before anybody waits for an answer: the first time it takes long."""
    if options.heat != "real":
        return None
    if options.network.version != 4:
        expected = "a subnet of IPv4 with --heat real"
        advice = "--heat fake has subnets of IPv6 too"
        raise InvalidInput([Problem("--subnet", expected, str(options.network), advice)])
    make_public_folder(options.state_folder.parent)
    options.state_folder.mkdir(mode=atomic_file.PRIVATE_FOLDER, exist_ok=True)
    options.state_folder.chmod(STATE_FOLDER_MODE)
    return open_heat_setup(options.heat_folder, options.heat_release)


def sweep_leftovers(options: CloudOptions) -> None:
    """End and remove what an earlier run left, with its Heat and its guests, whichever those were."""
    remove_leftovers(options.heat_folder)
    if options.guests:
        sweep_cloud(options.state_folder, options.bridge, SystemClock())


async def _serve(options: CloudOptions, hypervisor: Hypervisor, setup: RealHeatSetup | None) -> None:
    # The client imports this module too, and needs none of the server's libraries.
    from guestagent.embedded.process.thread import build_cloud

    host = options.gateway if options.guests else "127.0.0.1"
    settings = CloudSettings(host, options.network, options.auth_ttl, uses_default_ports=True)
    cloud = build_cloud(hypervisor, settings, setup)
    stop_event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_event.set)
    await cloud.start()
    try:
        _publish(options, cloud.endpoints, cloud.password)
        await stop_event.wait()
    finally:
        await cloud.stop()


def _publish(options: CloudOptions, endpoints: Mapping[str, str], password: Secret) -> None:
    """Write the clouds.yaml entry and the state file: from now on others find the cloud."""
    state = CloudState(
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
        image_tree=None if options.image_tree is None else str(options.image_tree),
    )
    clouds_yaml.write_entry(options.clouds_file, options.name, state.clouds_entry)
    write_cloud_state(options, state)
    log.info("cloud %s answers at %s", options.name, state.auth_url)
