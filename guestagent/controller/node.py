"""One node of a cluster, and the names of the resources that belong to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from guestagent.controller.node_volume import StackVolume
from guestagent.controller.seed import NodeSeed
from guestagent.errors import InvalidCluster, Problem
from guestagent.metadata import DataVolume


@dataclass(frozen=True, slots=True)
class Node:
    """A node. You choose `flavor` and `image`; its cluster sets the rest.

    `name` is the name of its server's resource. It does not depend on the role, which may change. `generation` counts
    the changes that the node had to prove: each has its own handle and condition. `password_number` counts the
    passwords of its account: each is a separate resource. `volume` is its data volume: a StackVolume is made with the
    stack, a DataVolume is one that you have made and attached yourself. `seed` is how a replica that joins gets its
    data, in this generation. `zone` is the availability zone of its server and of a volume that the stack makes (None:
    the cloud chooses); it never changes.
    """

    flavor: str
    image: str
    name: str = ""
    server_id: int = 0
    generation: int = 1
    password_number: int = 1
    volume: StackVolume | DataVolume | None = None
    seed: NodeSeed | None = None
    zone: str | None = None

    def renewed(self) -> Node:
        """Return the node in its next generation, in which it has something new to prove. A seed that is over ends."""
        seed = None if self.seed is None or self.seed.is_over else self.seed
        return replace(self, generation=self.generation + 1, seed=seed)

    def rotated(self) -> Node:
        """Return the node with its next password, in its next generation."""
        return replace(self.renewed(), password_number=self.password_number + 1)

    def grown(self, size_gib: int) -> Node:
        """Return the node with its data volume in this size. Raise InvalidCluster if the stack has made none."""
        if not isinstance(self.volume, StackVolume):
            found = "none" if self.volume is None else "one that you have attached yourself"
            raise InvalidCluster([Problem(f"{self.name}.volume", "a data volume of the stack", found)])
        return replace(self, volume=self.volume.grown(size_gib))

    @property
    def account(self) -> str:
        """The database user as which this node replicates."""
        return self.name.lower()

    @property
    def handle(self) -> str:
        return f"{self.name}ReadyWaitCondHandle{self._suffix}"

    @property
    def condition(self) -> str:
        return f"{self.name}ReadyWaitCond{self._suffix}"

    @property
    def password(self) -> str:
        """The name of the resource or parameter that holds the password. A new password has a new name."""
        return f"{self.name}Password{'' if self.password_number == 1 else self.password_number}"

    @property
    def donor_account(self) -> str:
        """The database user as which this node asks its source for a copy of the data.

        Each seed has another one: a source gives no second copy to a user whose seed is over.
        """
        number = 1 if self.seed is None or self.seed.number is None else self.seed.number
        return f"{self.account}_donor{'' if number == 1 else number}"

    @property
    def donor_password(self) -> str | None:
        """The name of the resource or parameter with that account's password; None if no seed is going on."""
        if self.seed is None or self.seed.number is None:
            return None
        return f"{self.name}DonorPassword{'' if self.seed.number == 1 else self.seed.number}"

    @property
    def policy(self) -> str:
        return f"{self.name}Policy"

    @property
    def user(self) -> str:
        """The user of the cloud whose key the node uses to read its metadata."""
        return f"{self.name}User"

    @property
    def access_key(self) -> str:
        return f"{self.name}AccessKey"

    @property
    def volume_resource(self) -> str:
        return f"{self.name}Volume"

    @property
    def port(self) -> str:
        return f"{self.name}Port"

    @property
    def _suffix(self) -> str:
        """A suffix for each generation: a completed condition never waits for a second signal."""
        return "" if self.generation == 1 else str(self.generation)


def drop_store(node: Node) -> Node:
    """Return the node with a data volume that no resource manager has made."""
    if not isinstance(node.volume, StackVolume):
        return node
    return replace(node, volume=replace(node.volume, store=None))
