"""What an engine needs around it, without services."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network

from guestagent.embedded import FakeHypervisor
from guestagent.embedded.compute import Compute
from guestagent.embedded.heat.keys import Keys
from guestagent.embedded.heat.stack import now
from guestagent.embedded.heat.users import StackUser, StackUsers


@dataclass(frozen=True, slots=True)
class Around:
    """A cloud without services."""

    executor: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2))
    keys: Keys = field(default_factory=Keys)
    users: StackUsers = field(default_factory=StackUsers)
    hypervisor: FakeHypervisor = field(default_factory=FakeHypervisor)
    cfn_url: str = "http://10.77.0.1:8000"
    heat_url: str = "http://10.77.0.1:8004/v1"
    auth_url: str = "http://10.77.0.1:5000/v3"
    region: str = "RegionOne"
    compute: Compute = field(init=False)

    def __post_init__(self) -> None:
        made = Compute(self.hypervisor, IPv4Network("10.77.0.0/24"), self.executor)
        object.__setattr__(self, "compute", made)

    @property
    def servers(self) -> Compute:
        return self.compute

    def token(self, user: StackUser) -> str:
        return f"token of {user.name}"

    def now(self) -> datetime:
        return now()
