"""What NATIVES makes of answers that are missing, late, old or refused: on the embedded cloud, whose services fail."""

from __future__ import annotations

from collections.abc import Iterator

import openstack
import pytest

from guestagent.controller.service_pauses import PAUSE_LIMIT_S, find_pause_s
from guestagent.embedded import Serving, serving
from guestagent.embedded.http.faults import FaultMode
from guestagent.embedded.http.service_names import ServiceName
from guestagent.errors import CloudRequestRefused, CloudUnreachable
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.natives.requests import CreateGroup, CreateVolume
from tests.support.polling import wait_until


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def project(served: Serving) -> Iterator[OpenStackProject]:
    with openstack.connect(**served.connect) as connection:
        yield OpenStackProject(connection)


def create_group(project: OpenStackProject, name: str) -> str:
    return project.send(CreateGroup(name=name, description="")).cloud_id


def list_groups(project: OpenStackProject, name: str) -> list[str]:
    """Return the ids of the groups of that name."""
    return [group.id for group in project.observe().groups.values() if group.name == name]


@pytest.mark.parametrize("service", ["nova", "cinder", "neutron"])
def test_an_expired_token_is_replaced_and_the_request_repeated_once(
    served: Serving, project: OpenStackProject, service: ServiceName
) -> None:
    served.fault(service, "401", times=1)

    seen = project.observe()

    assert seen.is_complete


def test_a_creation_with_an_expired_token_creates_one(served: Serving, project: OpenStackProject) -> None:
    served.fault("neutron", "401", method="POST", times=1)

    group_id = create_group(project, "after-401")

    assert list_groups(project, "after-401") == [group_id]


def test_a_second_401_is_a_refusal(served: Serving, project: OpenStackProject) -> None:
    served.fault("neutron", "401", method="POST", times=2)

    with pytest.raises(CloudRequestRefused) as caught:
        create_group(project, "never")

    assert caught.value.code == "forbidden"
    assert list_groups(project, "never") == []


@pytest.mark.parametrize("mode", ["429", "503"])
def test_a_service_that_wants_a_pause_is_left_alone(served: Serving, mode: FaultMode) -> None:
    """The whole observation waits: a part of it decides nothing."""
    with openstack.connect(**served.connect) as connection:
        project = OpenStackProject(connection)
        served.fault("cinder", mode, times=1, retry_after=3600)
        with pytest.raises(CloudUnreachable):
            project.observe()

        with pytest.raises(CloudUnreachable) as caught:
            project.observe()

    assert 0 < find_pause_s(caught.value) <= PAUSE_LIMIT_S


def test_a_late_creation_is_seen_when_it_has_had_its_effect(
    served: Serving, project: OpenStackProject
) -> None:
    served.fault("neutron", "late", delay=0.5, method="POST", times=1)

    with pytest.raises(CloudUnreachable):
        create_group(project, "late")

    wait_until(lambda: len(list_groups(project, "late")) == 1)


def test_a_stale_list_does_not_show_a_new_volume(served: Serving, project: OpenStackProject) -> None:
    project.observe()
    served.fault("cinder", "stale")
    volume = CreateVolume(name="data", size_gib=1, volume_type=None, zone=None, metadata={})
    volume_id = project.send(volume).cloud_id

    assert volume_id not in project.observe().volumes
    assert project.get_volume(volume_id) is None
    served.heal()
    assert volume_id in project.observe().volumes


def test_messages_that_the_policy_hides_are_none(served: Serving, project: OpenStackProject) -> None:
    served.fault("cinder", "403", method="GET", path="/messages")

    messages = project.list_volume_messages("3e9f5b0c-64d1-4c1e-9a55-0c6a3e2f7d18")

    served.heal()
    assert messages == ()
