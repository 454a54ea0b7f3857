from __future__ import annotations

import pytest

from guestagent.agent.instance_condition import add_copy_condition
from guestagent.agent.instance_identity import DiskOrigin, InstanceIdentity, InstanceRecord, find_disk_origin
from guestagent.agent.model import Condition, Readiness

UUID, OTHER_UUID = "5a9f7e1c-0b5e-4c1f-9a57-3e2d8c6b4f10", "c2d4e6f8-1111-4222-8333-444455556666"
NONE, EC2 = "iid-datasource-none", "i-0000002a"
READY = Readiness.from_conditions(Condition.compare("GTID", "on", "on"))


def build_identity(ids: str) -> InstanceIdentity:
    return InstanceIdentity.from_ids(*ids.split())


@pytest.mark.parametrize(
    ("recorded", "present", "origin"),
    [
        ("", UUID, DiskOrigin.NEW),
        (UUID, UUID, DiskOrigin.OWN),
        (UUID, OTHER_UUID, DiskOrigin.COPY),
        (EC2, EC2, DiskOrigin.OWN),
        (EC2, "i-0000002b", DiskOrigin.COPY),
        ("iid-local01", "iid-local02", DiskOrigin.COPY),
        # cloud-init finds no metadata in this boot, or there is no cloud-init.
        (UUID, NONE, DiskOrigin.UNKNOWN),
        (UUID, "", DiskOrigin.UNKNOWN),
        ("", NONE, DiskOrigin.UNKNOWN),
        ("", "", DiskOrigin.UNKNOWN),
        # The datasource has changed, and one of them shows both ids.
        (f"{UUID} {EC2}", EC2, DiskOrigin.OWN),
        (EC2, f"{UUID} {EC2}", DiskOrigin.OWN),
        (f"{UUID} {EC2}", "i-0000002b", DiskOrigin.COPY),
        # It has changed, and nothing connects the two ids.
        (UUID, EC2, DiskOrigin.COPY),
        (EC2, UUID, DiskOrigin.COPY),
        # Another cloud has given the same Ec2 id.
        (f"{UUID} {EC2}", f"{OTHER_UUID} {EC2}", DiskOrigin.COPY),
    ],
)
def test_a_disk_is_a_copy_if_it_was_recorded_for_another_instance(
    recorded: str, present: str, origin: DiskOrigin
) -> None:
    actual = find_disk_origin(
        build_identity(recorded) if recorded else None, build_identity(present) if present else None
    )

    assert actual is origin


def test_a_copy_shows_its_origin_beside_the_other_conditions() -> None:
    readiness = add_copy_condition(READY, InstanceRecord("i-2", origin="i-1", copied_at="today"))

    assert readiness.is_ready
    assert readiness.conditions[-1].name == "instance"
    assert "i-1" in readiness.conditions[-1].actual


@pytest.mark.parametrize("record", [None, InstanceRecord("i-1")])
def test_a_disk_that_is_no_copy_shows_no_origin(record: InstanceRecord | None) -> None:
    assert add_copy_condition(READY, record) == READY
