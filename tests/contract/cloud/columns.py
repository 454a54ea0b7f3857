"""The columns of the cloud's contract: the embedded cloud, and the real services."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager

from guestagent.embedded import serving
from guestagent.embedded.real_cloud import DEBIAN_NOVA, RealCloud
from tests.contract.cloud.client import CloudClient
from tests.support.embedded_operator import EmbeddedOperator


def open_cloud_column(name: str) -> AbstractContextManager[CloudClient]:
    """Open `fake` or `real`."""
    return {"fake": open_fake_cloud, "real": open_real_services}[name]()


@contextmanager
def open_fake_cloud() -> Iterator[CloudClient]:
    """Run the embedded cloud in this process, with a fake hypervisor."""
    with serving() as served:
        client = CloudClient("fake", DEBIAN_NOVA, served.connect["auth"], EmbeddedOperator(served))
        with closing(client):
            yield client


@contextmanager
def open_real_services() -> Iterator[CloudClient]:
    """Run real services for the block. With CLOUD_RELEASE=2026.2, they are installed from PyPI.

    Call it from the main thread.
    """
    from tests.support.real_cloud import open_tested_cloud

    with open_tested_cloud() as cloud, closing(build_real_client(cloud)) as client:
        yield client


def build_real_client(cloud: RealCloud) -> CloudClient:
    from tests.support.real_cloud import RealCloudOperator

    return CloudClient("real", cloud.nova_release, cloud.connect["auth"], RealCloudOperator(cloud))
