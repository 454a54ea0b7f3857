"""Stacks that fail, and their rollback."""

from __future__ import annotations

from pathlib import Path

import openstack
import pytest

from guestagent.embedded import FakeHypervisor, Serving, serving
from guestagent.errors import DatabaseError
from tests.support.cfn_cluster_stack import build_template, create_ready_stack, send_signal
from tests.support.heat_requests import HeatRequests, get_fake_hypervisor, list_booted_nodes

# openstacksdk warns of itself at every connect and request; the class above its warnings is private.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


def test_a_failure_ends_the_stack_at_once_with_its_reason(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_template())
    heat.wait_for_resource("prod", "Master0000ReadyWaitCond", "CREATE_IN_PROGRESS")

    send_signal(cloud, "prod", "Master0000ReadyWaitCondHandle", status="FAILURE", reason="binary log is off")
    heat.wait("prod", "CREATE_FAILED")

    assert heat.find_stack("prod")["stack_status_reason"] == (
        "Resource CREATE failed: WaitConditionFailure: resources.Master0000ReadyWaitCond: binary log is off"
    )


def test_a_condition_that_nobody_signals_times_out(heat: HeatRequests) -> None:
    heat.create("prod", build_template(timeout=1))

    heat.wait("prod", "CREATE_FAILED")

    assert heat.find_stack("prod")["stack_status_reason"] == (
        "Resource CREATE failed: WaitConditionTimeout: resources.Master0000ReadyWaitCond: 0 of 1 received"
    )


def test_a_failure_left_in_a_handle_fails_every_update_until_the_same_id_succeeds(
    cloud: Serving, heat: HeatRequests
) -> None:
    heat.create("prod", build_template())
    heat.wait_for_resource("prod", "Master0000ReadyWaitCond", "CREATE_IN_PROGRESS")
    send_signal(cloud, "prod", "Master0000ReadyWaitCondHandle", status="FAILURE")
    heat.wait("prod", "CREATE_FAILED")

    heat.update("prod", build_template())
    heat.wait("prod", "UPDATE_FAILED")
    send_signal(cloud, "prod", "Master0000ReadyWaitCondHandle", status="SUCCESS")
    heat.update("prod", build_template())
    heat.wait("prod", "UPDATE_COMPLETE")

    assert list_booted_nodes(cloud) == ["Master0000"], "the server itself had not failed"


def test_a_broken_flavor_is_reported_with_the_error_of_nova(heat: HeatRequests) -> None:
    heat.create("prod", build_template(flavor="broken"))

    heat.wait("prod", "CREATE_FAILED")

    reason = str(heat.find_stack("prod")["stack_status_reason"])
    assert reason.startswith(
        "Resource CREATE failed: ResourceInError: resources.Master0000: Went to status ERROR"
    )
    assert "Exhausted all hosts available for retrying build failures" in reason


def test_a_guest_that_cannot_boot_fails_its_stack(tmp_path: Path) -> None:
    class NoPower(FakeHypervisor):
        def boot(self, guest: object) -> None:
            raise DatabaseError("no power")

    with serving(NoPower()) as cloud, openstack.connect(**cloud.connect) as connection:
        heat = HeatRequests(connection)
        heat.create("prod", build_template())
        heat.wait("prod", "CREATE_FAILED")
        assert "no power" in str(heat.find_stack("prod")["stack_status_reason"])


def test_a_rollback_removes_what_a_failed_create_made(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_template(flavor="broken"), disable_rollback=False)

    heat.wait("prod", "ROLLBACK_COMPLETE")

    assert heat.resources("prod") == []
    assert get_fake_hypervisor(cloud).guests == {}


def test_a_failed_update_rolls_back_to_the_template_before_it(cloud: Serving, heat: HeatRequests) -> None:
    create_ready_stack(cloud, heat, "prod", build_template())

    heat.update("prod", build_template("Slave0000", flavors={"Slave0000": "broken"}), disable_rollback=False)
    heat.wait_for_resource("prod", "Slave0000", "CREATE_FAILED")
    heat.wait("prod", "ROLLBACK_COMPLETE")

    assert "Slave0000" not in [row["resource_name"] for row in heat.resources("prod")]
