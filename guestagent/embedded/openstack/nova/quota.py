"""The project's quota of servers, cores and memory. Nova checks it before it reserves anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from guestagent.embedded.http.errors import ResourceFailure
from guestagent.embedded.openstack.nova.flavors import Flavor


class OverServerQuota(ResourceFailure):
    """A server above the project's quota. Nova answers 403."""


@dataclass(slots=True)
class ServerQuota:
    """The limits of the project; memory in MiB. Those of server groups are Nova's defaults."""

    instances: int = 200
    cores: int = 800
    ram_mib: int = 409_600
    server_groups: int = 10
    server_group_members: int = 10

    def check(self, present: Iterable[Flavor], new: Flavor) -> None:
        """Raise OverServerQuota if a server of the new flavor is too much, with every resource of which it is."""
        self._check([*present], 1, new.vcpus, new.memory_mb)

    def check_resize(self, present: Iterable[Flavor], old: Flavor, new: Flavor) -> None:
        """Raise OverServerQuota if a larger flavor is too much."""
        self._check([*present], 0, max(new.vcpus - old.vcpus, 0), max(new.memory_mb - old.memory_mb, 0))

    def _check(self, flavors: list[Flavor], servers: int, cores: int, memory_mib: int) -> None:
        rows = (
            ("instances", servers, len(flavors), self.instances),
            ("cores", cores, sum(each.vcpus for each in flavors), self.cores),
            ("ram", memory_mib, sum(each.memory_mb for each in flavors), self.ram_mib),
        )
        exceeded = [row for row in rows if row[1] and row[2] + row[1] > row[3]]
        if exceeded:
            names, asked, used, limits = (
                ", ".join(map(str, column)) for column in zip(*exceeded, strict=True)
            )
            message = (
                f"Quota exceeded for {names}: Requested {asked}, but already used {used} of {limits} {names}"
            )
            raise OverServerQuota("Forbidden", message)
