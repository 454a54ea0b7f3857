"""The administrator of an embedded cloud, from within its process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from guestagent.embedded import FakeHypervisor, Serving

COMPUTE_QUOTAS = {
    "ram": "ram_mib",
    **{name: name for name in ("instances", "cores", "server_groups", "server_group_members")},
}
VOLUME_QUOTAS = ("volumes", "gigabytes", "per_volume_gigabytes")


class EmbeddedOperator:
    """What only the cloud itself can do."""

    def __init__(self, served: Serving) -> None:
        self._served = served

    @contextmanager
    def limit_quota(self, name: str, limit: int = 0) -> Iterator[None]:
        quota, attribute = self._find_quota(name)
        former = getattr(quota, attribute)
        setattr(quota, attribute, limit)
        try:
            yield
        finally:
            setattr(quota, attribute, former)

    def read_user_data(self, server_id: str) -> bytes:
        assert isinstance(self._served.hypervisor, FakeHypervisor)
        return self._served.hypervisor.guests[server_id].user_data

    def _find_quota(self, name: str) -> tuple[object, str]:
        compute = self._served.cloud.compute
        if name in COMPUTE_QUOTAS:
            return compute.quota, COMPUTE_QUOTAS[name]
        return (compute.storage.quota if name in VOLUME_QUOTAS else compute.networking.quota), name
