"""A cluster of the embedded cloud that gets a new replica after its source has purged its binary logs."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from guestagent.controller import Cluster, Dialect, Node
from guestagent.controller.heat_api import Stack
from guestagent.controller.seed import DEFAULT_SEEDING, SeedSettings
from guestagent.embedded.guests import NamespaceHypervisor
from guestagent.seeding import SeedFiles, SeedPhase, SeedState
from tests.support.guest_cloud import QUERY_PROGRAM, GuestCloud
from tests.support.polling import wait_until

METHODS = {"guestagent-mariadb": "backup", "guestagent-mysql": "clone"}
"""The method that each image's family uses."""
JOINING = "Slave0000"
EVIDENCE_LINES = 25
LOGS = ("guestagent", "guestagent-seed", "guestagent-donor", "mariadb", "mysql")


@dataclass(slots=True)
class SeededCluster:
    """A source with data, and an update that adds a replica together with the donor of its data."""

    cloud: GuestCloud
    image: str
    seeding: SeedSettings = DEFAULT_SEEDING
    name: str = "prod"

    @property
    def source(self) -> str:
        return self.cloud.find_guest("Master0000")

    @property
    def replica(self) -> str:
        return self.cloud.find_guest(JOINING)

    @property
    def node(self) -> Node:
        return Node(flavor="m1.tiny", image=self.image)

    def create_source(self, rows: int) -> None:
        """Create the source alone, fill a table, and purge the logs that have it."""
        cluster = Cluster.new(
            source=self.node,
            replicas=[],
            polling_interval=1,
            dialect=Dialect.CFN,
            deadline=60,
            seeding=self.seeding,
        )
        self.cloud.create(self.name, cluster)
        self.cloud.execute(
            self.source,
            "CREATE DATABASE shop",
            "CREATE TABLE shop.t (id INT AUTO_INCREMENT PRIMARY KEY, pad VARCHAR(200))",
            "INSERT INTO shop.t (pad) VALUES (REPEAT('x', 200))",
        )
        while int(self.cloud.query_value(self.source, "(SELECT COUNT(*) FROM shop.t)")) < rows:
            self.cloud.execute(self.source, "INSERT INTO shop.t (pad) SELECT SHA2(RAND(), 512) FROM shop.t")
        self.cloud.purge_logs(self.source)

    def add_replica(self) -> None:
        """Begin the update that adds the replica."""
        self.cloud.stacks.change(self.name, lambda now: now.add_replica(self.node))

    def read_donor_password(self) -> str:
        """Return the password of the replica's account at the donor, as its agent has it."""
        command = ["cat", "/var/lib/guestagent/document.json"]
        content = json.loads(self.cloud.hypervisor.run_command(self.replica, command).stdout)
        return str(content["document"]["GuestAgent"]["Seeding"]["Donor"]["User"]["password"])

    def read_phase(self) -> str:
        """Return the phase of the replica's seed; "" if there is none yet."""
        guests = self.cloud.server.cloud.compute.servers.items()
        for guest, server in list(guests):
            if f"-{JOINING}-" in f"-{server.name}" and self.cloud.hypervisor.is_running(guest):
                command = [sys.executable, "-m", "guestagent", "seed", "show", "--json"]
                answer = self.cloud.hypervisor.run_command(guest, command)
                state = json.loads(answer.stdout) if answer.stdout.startswith("{") else None
                return "" if state is None else str(state["phase"])
        return ""

    def wait_for_replica(self, timeout_s: float = 120) -> Stack:
        return self.cloud.wait_until_ended(self.name, timeout_s)

    def wait_until_seeded(self, timeout_s: float) -> Stack:
        """Wait until the update has ended. A seed that fails for good ends the wait at once, with its evidence."""
        deadline = time.monotonic() + timeout_s
        while (stack := self.cloud.heat.stacks(self.name)[0]).in_progress:
            state = self.read_seed_state()
            assert state is None or state.phase is not SeedPhase.FAILED, self.collect_evidence()
            assert time.monotonic() < deadline, (
                f"{stack.status} after {timeout_s:g} s\n{self.collect_evidence()}"
            )
            time.sleep(0.3)
        return stack

    def read_seed_state(self, node: str = JOINING) -> SeedState | None:
        """Read the state of a replica's seed from this machine, which takes no process in the guest."""
        folder = self.find_replica_folder(node)
        return None if folder is None else SeedFiles(folder / "var/lib/guestagent").read_state()

    def find_replica_folder(self, node: str = JOINING) -> Path | None:
        """Return the folder of a replica's disk; None while there is no such guest."""
        hypervisor = self.cloud.hypervisor
        assert isinstance(hypervisor, NamespaceHypervisor)
        for guest, server in list(self.cloud.server.cloud.compute.servers.items()):
            if f"-{node}-" in f"-{server.name}":
                return hypervisor.find_folder(guest)
        return None

    def wait_for_servers(self) -> None:
        """Wait until both servers answer."""
        for guest in (self.source, self.replica):
            wait_until(partial(self._has_answering_server, guest))

    def _has_answering_server(self, guest: str) -> bool:
        argv = [sys.executable, "-c", QUERY_PROGRAM, "SELECT 1"]
        return self.cloud.hypervisor.run_command(guest, argv).returncode == 0

    def list_left_files(self) -> list[str]:
        """List what a seed has left in the replica's data directory and beside it."""
        folder = self.find_replica_folder()
        assert folder is not None
        return sorted(path.name for path in (folder / "var/lib").rglob("guestagent-seed*"))

    def collect_evidence(self) -> str:
        """Return the seed's state, and the newest lines of both nodes' logs."""
        hypervisor = self.cloud.hypervisor
        assert isinstance(hypervisor, NamespaceHypervisor)
        parts = [f"seed: {self.read_seed_state()}"]
        for guest in (self.replica, self.source):
            for name in LOGS:
                path = hypervisor.find_folder(guest) / "var/log" / f"{name}.log"
                lines = path.read_text(errors="replace").splitlines() if path.exists() else []
                parts += [f"--- {name} of {guest}", *lines[-EVIDENCE_LINES:]]
        return "\n".join(parts)

    def compute_checksum(self, guest: str) -> str:
        return self.cloud.query_value(guest, "(SELECT BIT_XOR(CRC32(CONCAT(id, pad))) FROM shop.t)")
