"""A cluster from a CFN template: created, updated and deleted, and the metadata of its guests."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.embedded import Serving
from tests.support.cfn_cluster_stack import (
    build_template,
    create_ready_stack,
    find_handle_url,
    run_collector,
    send_signal,
)
from tests.support.heat_requests import (
    HeatRequests,
    get_fake_cloud,
    get_fake_hypervisor,
    list_booted_nodes,
    put_json,
)

# openstacksdk warns of itself at every connect and request; the class above its warnings is private.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


def test_a_cluster_is_created_in_the_order_of_its_dependencies(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_template("Slave0000"))
    heat.wait_for_resource("prod", "Master0000ReadyWaitCond", "CREATE_IN_PROGRESS")
    assert list_booted_nodes(cloud) == ["Master0000"]

    send_signal(cloud, "prod", "Master0000ReadyWaitCondHandle")
    heat.wait_for_resource("prod", "Slave0000ReadyWaitCond", "CREATE_IN_PROGRESS")
    send_signal(cloud, "prod", "Slave0000ReadyWaitCondHandle", data={"lag": 0})
    heat.wait("prod", "CREATE_COMPLETE")

    assert list_booted_nodes(cloud) == ["Master0000", "Slave0000"]
    assert heat.find_stack("prod")["stack_status_reason"] == "Stack CREATE completed successfully"
    assert heat.outputs("prod") == {
        "Address": "10.77.0.11",
        "Evidence": '{"Slave0000ReadyWaitCondHandle": {"lag": 0}}',
    }
    assert cloud.dangerous_reads == []


def test_a_guest_collects_its_own_metadata_and_no_other(
    cloud: Serving, heat: HeatRequests, tmp_path: Path
) -> None:
    heat.create("prod", build_template("Slave0000"))
    heat.wait_for_resource("prod", "Master0000ReadyWaitCond", "CREATE_IN_PROGRESS")

    collected = run_collector(cloud, tmp_path, "Master0000", "Master0000")
    foreign = run_collector(cloud, tmp_path, "Master0000", "Slave0000")

    password = get_fake_cloud(cloud).engine.find_stack("prod").resources["Slave0000Password"].data["value"]
    assert collected["Users"] == [{"name": "slave0000", "password": password}]
    assert str(collected["ReadyWaitCondition"]).startswith(
        f"{cloud.cfn_url}/v1/waitcondition/arn%3Aopenstack%3Aheat"
    )
    assert foreign == {}


def test_a_polling_guest_sees_changed_metadata_while_the_stack_goes_on(
    cloud: Serving, heat: HeatRequests, tmp_path: Path
) -> None:
    create_ready_stack(cloud, heat, "prod", build_template())

    heat.update("prod", build_template("Slave0000", generation=2))
    heat.wait_for_resource("prod", "Master0000ReadyWaitCond2", "CREATE_IN_PROGRESS")
    collected = run_collector(cloud, tmp_path, "Master0000", "Master0000")

    assert collected["GuestAgent"] == {"Generation": 2}
    assert [user["name"] for user in collected["Users"]] == ["slave0000"]  # type: ignore[attr-defined]
    assert list_booted_nodes(cloud) == ["Master0000"], (
        "the replica waits until the source has proved its user"
    )


def test_a_changed_timeout_replaces_the_condition_and_completes_from_old_signals(
    cloud: Serving, heat: HeatRequests
) -> None:
    create_ready_stack(cloud, heat, "prod", build_template())

    heat.update("prod", build_template(timeout=200))
    heat.wait("prod", "UPDATE_COMPLETE")

    events = heat.events("prod")
    statuses = [e["resource_status"] for e in events if e["resource_name"] == "Master0000ReadyWaitCond"]
    assert statuses[2:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE",
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
        "DELETE_IN_PROGRESS",
        "DELETE_COMPLETE",
    ]


def test_an_unchanged_template_touches_nothing(cloud: Serving, heat: HeatRequests) -> None:
    create_ready_stack(cloud, heat, "prod", build_template())

    heat.update("prod", build_template())
    heat.wait("prod", "UPDATE_COMPLETE")

    assert {row["resource_status"] for row in heat.resources("prod")} == {"CREATE_COMPLETE"}


def test_a_flavor_changes_in_place_and_user_data_replaces_the_server(
    cloud: Serving, heat: HeatRequests
) -> None:
    create_ready_stack(cloud, heat, "prod", build_template())
    first = heat.resource("prod", "Master0000")["physical_resource_id"]

    heat.update("prod", build_template(flavor="m1.large"))
    heat.wait("prod", "UPDATE_COMPLETE")
    resized = heat.resource("prod", "Master0000")["physical_resource_id"]
    heat.update("prod", build_template(flavor="m1.large", script="#!/bin/sh\necho other\n"))
    heat.wait("prod", "UPDATE_COMPLETE", again=True)
    replaced = heat.resource("prod", "Master0000")["physical_resource_id"]

    assert resized == first
    assert replaced != first
    calls = [call for call, about in get_fake_hypervisor(cloud).calls if about == first or call == "boot"]
    assert calls == ["boot", "reboot", "boot", "destroy"], "the new one runs before the old one goes"


def test_what_leaves_the_template_goes_as_soon_as_nothing_needs_it(
    cloud: Serving, heat: HeatRequests
) -> None:
    create_ready_stack(cloud, heat, "prod", build_template("Slave0000"))

    heat.update("prod", build_template())
    heat.wait("prod", "UPDATE_COMPLETE")

    names = [row["resource_name"] for row in heat.resources("prod")]
    assert not [name for name in names if str(name).startswith("Slave0000")]
    events = [(e["resource_name"], e["resource_status"]) for e in heat.events("prod")]
    condition = events.index(("Slave0000ReadyWaitCond", "DELETE_COMPLETE"))
    assert condition < events.index(("Slave0000", "DELETE_COMPLETE"))


def test_a_deleted_stack_leaves_no_guest_and_no_key(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_template())
    heat.wait_for_resource("prod", "Master0000ReadyWaitCond", "CREATE_IN_PROGRESS")
    url = find_handle_url(cloud, "prod", "Master0000ReadyWaitCondHandle")

    heat.delete("prod")
    heat.wait_until(lambda: heat.find_status("prod") is None)

    assert get_fake_hypervisor(cloud).guests == {}
    assert put_json(url).status_code == 403
    assert heat.find_status("prod", show_deleted="true") == "DELETE_COMPLETE"
