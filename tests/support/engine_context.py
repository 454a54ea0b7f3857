"""The dependencies of an engine, without services."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network

from guestagent.embedded import FakeHypervisor
from guestagent.embedded.host.clock import get_utc_time
from guestagent.embedded.openstack.keystone.ec2_credentials import Ec2CredentialStore
from guestagent.embedded.openstack.keystone.stack_users import StackUser, StackUserStore
from guestagent.embedded.openstack.nova.servers import Compute


@dataclass(frozen=True, slots=True)
class EngineContext:
    """A cloud without services."""

    executor: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2))
    ec2_credentials: Ec2CredentialStore = field(default_factory=Ec2CredentialStore)
    stack_users: StackUserStore = field(default_factory=StackUserStore)
    hypervisor: FakeHypervisor = field(default_factory=FakeHypervisor)
    cfn_url: str = "http://10.77.0.1:8000"
    heat_url: str = "http://10.77.0.1:8004/v1"
    auth_url: str = "http://10.77.0.1:5000/v3"
    region: str = "RegionOne"
    compute: Compute = field(init=False)

    def __post_init__(self) -> None:
        compute = Compute(self.hypervisor, IPv4Network("10.77.0.0/24"), self.executor)
        object.__setattr__(self, "compute", compute)

    def issue_token(self, user: StackUser) -> str:
        return f"token of {user.name}"

    def get_utc_time(self) -> datetime:
        return get_utc_time()
