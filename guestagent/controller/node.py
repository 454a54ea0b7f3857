"""One server of a cluster, and the names of the resources that belong to it."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Node:
    """A server: `flavor` and `image` are whoever describes it to choose; the rest is given by its cluster.

    `name` is the name of its resource. It says nothing of the role, which a cluster may turn over.
    `generation` counts what the node had to prove: each has a handle and a condition of its own. `password_number`
    counts the passwords that its account had: each is a resource of its own.
    """

    flavor: str
    image: str
    name: str = ""
    server_id: int = 0
    generation: int = 1
    password_number: int = 1

    def renewed(self) -> Node:
        """The same server with something new to prove."""
        return replace(self, generation=self.generation + 1)

    def rotated(self) -> Node:
        """The same server with another password, which is something new to prove."""
        return replace(self.renewed(), password_number=self.password_number + 1)

    @property
    def account(self) -> str:
        """The user by which this node replicates."""
        return self.name.lower()

    @property
    def handle(self) -> str:
        return f"{self.name}ReadyWaitCondHandle{self._suffix}"

    @property
    def condition(self) -> str:
        return f"{self.name}ReadyWaitCond{self._suffix}"

    @property
    def password(self) -> str:
        """Wherever the value comes from, a new one has a new name."""
        return f"{self.name}Password{'' if self.password_number == 1 else self.password_number}"

    @property
    def policy(self) -> str:
        return f"{self.name}Policy"

    @property
    def user(self) -> str:
        """The cloud's user by whose key the node reads its metadata."""
        return f"{self.name}User"

    @property
    def access_key(self) -> str:
        return f"{self.name}AccessKey"

    @property
    def port(self) -> str:
        return f"{self.name}Port"

    @property
    def _suffix(self) -> str:
        """A completed condition is never armed again, so a generation has its own names."""
        return "" if self.generation == 1 else str(self.generation)
