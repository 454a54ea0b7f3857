"""Data volumes of a stack on the embedded cloud: grown while attached, kept unless it is said otherwise."""

from __future__ import annotations

import pytest

from guestagent.controller import (
    Cluster,
    Dialect,
    HardwareVolume,
    Node,
    Stacks,
    StackVolume,
    connect_hardware,
)
from guestagent.controller.openstack_heat import OpenStackHeat
from guestagent.embedded import Serving
from guestagent.embedded.openstack.nova.servers import Compute
from guestagent.errors import CloudRefused, StackFailed
from tests.support.heat_requests import get_fake_cloud
from tests.support.signalling_guests import SignallingHypervisor

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

STACK_TIMEOUT_S = 120.0


def build_cluster(volume_type: str = "standard") -> Cluster:
    node = Node("m1.small", "guestagent-mariadb", volume=StackVolume(2, volume_type))
    return Cluster.new(
        source=node,
        replicas=[node],
        network="embedded",
        deadline=10,
        boot_allowance=10,
        dialect=Dialect.HOT,
    )


def launch(stacks: Stacks, cluster: Cluster) -> None:
    stacks.wait(stacks.create("db", cluster), STACK_TIMEOUT_S)


def get_compute(cloud: Serving) -> Compute:
    return get_fake_cloud(cloud).compute


def list_volumes(cloud: Serving) -> dict[str, tuple[int, str]]:
    """Return the size and the status of each volume, by the node in its metadata."""
    volumes = get_compute(cloud).storage.volumes.values()
    return {each.metadata["guestagent:instance"]: (each.size_gib, each.status) for each in volumes}


def list_booted(guests: SignallingHypervisor) -> list[str]:
    return [about for call, about in guests.calls if call == "boot"]


def test_every_server_is_created_with_its_volume_and_its_document_names_it(
    cloud: Serving, guests: SignallingHypervisor, stacks: Stacks
) -> None:
    launch(stacks, build_cluster())

    assert list_volumes(cloud) == {"Master0000": (2, "in-use"), "Slave0000": (2, "in-use")}
    for volume in get_compute(cloud).storage.volumes.values():
        node = volume.metadata["guestagent:instance"]
        assert volume.metadata["guestagent:cluster"] == "db"
        assert guests.documents[node]["GuestAgent"]["Volume"] == {"Id": volume.id, "SizeGiB": 2, "New": True}
    assert stacks.cluster("db") == build_cluster()


def test_a_volume_grows_while_it_is_attached_and_its_server_stays(
    cloud: Serving, guests: SignallingHypervisor, stacks: Stacks
) -> None:
    launch(stacks, build_cluster())

    stacks.resize_volume("db", "Slave0000", 3, STACK_TIMEOUT_S)

    compute = get_compute(cloud)
    assert list_volumes(cloud) == {"Master0000": (2, "in-use"), "Slave0000": (3, "in-use")}
    actions = [each.name for server in compute.servers for each in compute.actions.list_actions(server)]
    assert sorted(actions) == ["create", "create", "extend_volume"]
    assert guests.documents["Slave0000"]["GuestAgent"]["Volume"]["SizeGiB"] == 3
    assert len(list_booted(guests)) == 2


def test_a_volume_that_cannot_grow_leaves_its_stack_as_it_is(cloud: Serving, stacks: Stacks) -> None:
    launch(stacks, build_cluster("fixed"))

    with pytest.raises(CloudRefused, match="is error_extending, and the stack was not updated"):
        stacks.resize_volume("db", "Slave0000", 3, STACK_TIMEOUT_S)

    assert stacks.cluster("db") == build_cluster("fixed")
    assert stacks.status("db").stack.status == "CREATE_COMPLETE"


def test_a_quota_that_forbids_the_growth_is_named(cloud: Serving, stacks: Stacks) -> None:
    launch(stacks, build_cluster())
    get_compute(cloud).storage.quota.gigabytes = 4

    with pytest.raises(CloudRefused, match="VolumeSizeExceedsAvailableQuota"):
        stacks.resize_volume("db", "Slave0000", 3, STACK_TIMEOUT_S)


def test_nova_and_cinder_are_asked_by_ids_and_refuse_in_their_own_words(
    cloud: Serving, heat: OpenStackHeat, stacks: Stacks
) -> None:
    hardware = connect_hardware(heat)
    assert hardware is not None
    launch(stacks, build_cluster())
    server_id = next(iter(get_compute(cloud).servers))
    volume_id = next(iter(get_compute(cloud).storage.volumes))

    assert hardware.read_server_status(server_id) == "ACTIVE"
    assert hardware.read_volume(volume_id) == HardwareVolume(2, "in-use")
    assert (hardware.read_server_status(volume_id), hardware.read_volume(server_id)) == (None, None)
    with pytest.raises(CloudRefused, match=r"the cloud returned 400: .*New size for extend must be greater"):
        hardware.extend_volume(volume_id, 2)


def test_volumes_outlive_their_nodes_unless_they_are_discarded_before(cloud: Serving, stacks: Stacks) -> None:
    launch(stacks, build_cluster())
    node = build_cluster().replicas[0]
    stacks.wait(stacks.change("db", lambda cluster: cluster.add_replica(node)), STACK_TIMEOUT_S)

    stacks.wait(stacks.change("db", lambda cluster: cluster.remove_replica("Slave0000")), STACK_TIMEOUT_S)
    stacks.discard_volumes("db", ["Slave0001"], STACK_TIMEOUT_S)
    stacks.wait(stacks.change("db", lambda cluster: cluster.remove_replica("Slave0001")), STACK_TIMEOUT_S)
    stacks.wait(stacks.delete("db"), STACK_TIMEOUT_S)

    assert list_volumes(cloud) == {"Master0000": (2, "available"), "Slave0000": (2, "available")}
    assert get_compute(cloud).servers == {}


def test_a_replica_with_a_volume_that_finds_no_host_is_removed_and_its_volume_stays(
    cloud: Serving, stacks: Stacks
) -> None:
    launch(stacks, build_cluster())
    node = Node("no-host", "guestagent-mariadb", volume=StackVolume(2))
    with pytest.raises(StackFailed, match="No valid host"):
        stacks.wait(stacks.change("db", lambda cluster: cluster.add_replica(node)), STACK_TIMEOUT_S)

    with pytest.raises(CloudRefused, match="remove Slave0001, or delete the stack"):
        stacks.change("db", lambda cluster: cluster.renew("Slave0001"))
    stacks.wait(stacks.change("db", lambda cluster: cluster.remove_replica("Slave0001")), STACK_TIMEOUT_S)

    assert list_volumes(cloud)["Slave0001"] == (2, "available")
    assert stacks.status("db").stack.status == "UPDATE_COMPLETE"


def test_a_server_in_error_is_not_replaced_behind_the_back_of_its_data(
    cloud: Serving, guests: SignallingHypervisor, stacks: Stacks
) -> None:
    launch(stacks, build_cluster())
    work = stacks.change("db", lambda cluster: cluster.resize("Slave0000", "broken"))
    with pytest.raises(Exception, match="Resizing to"):
        stacks.wait(work, STACK_TIMEOUT_S)
    server = next(each for each in get_compute(cloud).servers.values() if "Slave0000" in each.name)
    server.status = "ERROR"

    with pytest.raises(
        CloudRefused, match=r"would replace the server Slave0000 \(UPDATE_FAILED in Heat, ERROR in"
    ):
        stacks.change("db", lambda cluster: cluster.resize("Slave0000", "m1.small"))
    server.status = "ACTIVE"
    stacks.resize("db", "Slave0000", "m1.small", STACK_TIMEOUT_S)

    assert len(list_booted(guests)) == 2
