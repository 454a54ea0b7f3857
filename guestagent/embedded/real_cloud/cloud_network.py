"""A network namespace of a cloud's own, with one link to this machine. It ends with the process that started it."""

from __future__ import annotations

import time
from ipaddress import IPv4Network
from pathlib import Path

from guestagent.embedded.host.commands import run_checked
from guestagent.embedded.real_heat.daemons import ServiceDaemon
from guestagent.errors import CloudError, DeadlineExceeded

START_TIMEOUT_S = 10.0
POLL_INTERVAL_S = 0.02
# Killed with the thread that starts it. The namespace has no name: the kernel removes it, and its link, when no process
# is in it any more.
HOLDER_COMMAND = ("setpriv", "--pdeathsig=KILL", "--", "unshare", "--net", "--", "sleep", "infinity")
LINK_PREFIX = "gaos"


class CloudNetwork:
    """The second address of the subnet is the cloud's, the first one is this machine's.

    The link leads to a bridge that has the first address already, if there is one: that of the guests.
    """

    def __init__(self, subnet: IPv4Network, log: Path, bridge: str | None = None) -> None:
        self.gateway, self.host, self._length = str(subnet[1]), str(subnet[2]), subnet.prefixlen
        self._bridge = bridge
        self._link = f"{LINK_PREFIX}{subnet.network_address.packed[2]}"
        self._holder = ServiceDaemon("network", HOLDER_COMMAND, None, log)

    @property
    def pid(self) -> int:
        """The process that holds the namespace."""
        return self._holder.pid

    @property
    def enter_command(self) -> tuple[str, ...]:
        """The words before a command that runs in the namespace."""
        return ("nsenter", f"--net={self._namespace}", "--")

    def start(self) -> None:
        """Create the namespace and the link. From a thread that stays."""
        self._holder.start()
        self._await_namespace()
        name, pid = self._link, str(self._holder.pid)
        self._run("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", pid)
        if self._bridge is None:
            self._run("address", "add", f"{self.gateway}/{self._length}", "dev", name)
        else:
            self._run("link", "set", name, "master", self._bridge)
        self._run("link", "set", name, "up")
        for words in (
            ("link", "set", "lo", "up"),
            ("address", "add", f"{self.host}/{self._length}", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("route", "add", "default", "via", self.gateway),
        ):
            run_checked("making the cloud's network", (*self.enter_command, "ip", *words))

    def stop(self) -> None:
        """End the namespace. The link goes with it, a little later."""
        self._holder.stop()

    @property
    def _namespace(self) -> Path:
        return Path(f"/proc/{self._holder.pid}/ns/net")

    def _await_namespace(self) -> None:
        own, deadline = Path("/proc/self/ns/net").stat().st_ino, time.monotonic() + START_TIMEOUT_S
        while self._namespace.stat().st_ino == own:
            if self._holder.has_ended:
                raise CloudError(f"there is no network namespace: {self._holder.read_last_line()}")
            if time.monotonic() > deadline:
                raise DeadlineExceeded(f"there is no network namespace after {START_TIMEOUT_S:.0f} s")
            time.sleep(POLL_INTERVAL_S)

    def _run(self, *words: str) -> None:
        run_checked("making the cloud's network", ("ip", *words))
