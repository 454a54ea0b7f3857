"""A project with more of everything than fits on one page: what NATIVES sees is whole, or it sees nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import openstack
import pytest

from guestagent.embedded import Serving, serving
from guestagent.embedded.http.service_names import ServiceName
from guestagent.embedded.openstack.cinder.volumes import StoredAttachment
from guestagent.embedded.process.cloud_settings import CloudSettings
from guestagent.errors import CloudUnreachable
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.natives.requests import CreateGroup, CreatePort, CreateVolume
from tests.support.raw_cloud import RawCloud

COUNT = 7
LONG_COUNT = 250


@dataclass(frozen=True)
class PagedProject:
    """A project behind short pages, and what was created in it, by kind."""

    cloud: Serving
    project: OpenStackProject
    raw: RawCloud

    def create_some(self) -> dict[str, set[str]]:
        send = self.project.send
        volume = CreateVolume(name="v", size_gib=1, volume_type=None, zone=None, metadata={})
        port = CreatePort(name="p", description="", network="embedded", subnet=None, groups=())
        return {
            "groups": {send(CreateGroup(name="g", description="")).cloud_id for _ in range(COUNT)},
            "volumes": {send(volume).cloud_id for _ in range(COUNT)},
            "ports": {send(port).cloud_id for _ in range(COUNT)},
            "servers": {self.raw.have_server() for _ in range(COUNT)},
        }


@contextmanager
def serve_pages(page_limit: int) -> Iterator[PagedProject]:
    settings = CloudSettings(page_limit=page_limit)
    with serving(settings=settings) as cloud, openstack.connect(**cloud.connect) as connection:
        yield PagedProject(cloud, OpenStackProject(connection), RawCloud(connection))


@pytest.fixture(scope="module")
def paged() -> Iterator[PagedProject]:
    with serve_pages(2) as paged:
        yield paged


@pytest.fixture(scope="module")
def created(paged: PagedProject) -> dict[str, set[str]]:
    return paged.create_some()


def test_every_page_of_every_list_is_read(paged: PagedProject, created: dict[str, set[str]]) -> None:
    seen = paged.project.observe()

    for kind, ids in created.items():
        assert ids <= set(getattr(seen, kind)), kind


def test_names_are_found_on_later_pages(paged: PagedProject) -> None:
    keys = {f"key-{number}" for number in range(COUNT)}
    for key in keys:
        body = {"keypair": {"name": key, "public_key": "x"}}
        paged.raw.ask("compute", "POST", "/os-keypairs", body)

    inventory = paged.project.read_inventory()

    assert keys <= inventory.key_pairs
    assert len(inventory.flavors) > 2
    last_flavor, last_image = inventory.flavors[-1], inventory.images[-1]
    assert paged.project.find_flavor(last_flavor.name) == last_flavor.id
    assert paged.project.find_image(last_image.name) == last_image.id


@pytest.mark.usefixtures("created")
@pytest.mark.parametrize(
    ("service", "path"),
    [("nova", "servers/detail"), ("cinder", "volumes/detail"), ("neutron", "ports"), ("neutron", "groups")],
)
def test_a_page_that_cannot_be_had_makes_the_observation_void(
    paged: PagedProject, service: ServiceName, path: str
) -> None:
    """The first page alone would look as if the rest had been deleted."""
    paged.cloud.fault(service, "503", path=rf"{path}\?.*marker=", times=1)

    with pytest.raises(CloudUnreachable):
        paged.project.observe()


@pytest.mark.usefixtures("created")
def test_an_entry_that_is_deleted_between_two_pages_makes_the_observation_void(paged: PagedProject) -> None:
    """The next page begins after an entry that does not exist any more. Asked again, the list is whole."""
    entries = paged.project.list_entries("network", "/ports", "ports")
    first_page = [next(entries), next(entries)]
    own_id = first_page[-1]["id"]
    paged.raw.ask("network", "DELETE", f"/ports/{own_id}")

    with pytest.raises(CloudUnreachable, match="deleted while the pages were read"):
        list(entries)

    assert own_id not in paged.project.observe().ports


def test_lists_without_links_are_read_to_their_end() -> None:
    """Cinder ends its list of attachments at its limit, and Nova that of server groups, and neither says so."""
    with serve_pages(100) as paged:
        storage = paged.cloud.cloud.compute.storage
        rows = [StoredAttachment(f"volume-{number}", "server") for number in range(LONG_COUNT)]
        storage.attachments.update({row.id: row for row in rows})

        seen = paged.project.observe()

    assert len(seen.attachments) == LONG_COUNT
