"""Guests that start with a copy of another guest's disk."""

from __future__ import annotations

import pytest

from guestagent.errors import CloudError
from tests.support.guest_network import GuestNetwork


def test_a_copy_has_the_origins_disk_and_a_new_instance_id(cloud: GuestNetwork) -> None:
    cloud.boot("one", "#!/bin/sh\necho $(hostname) >> /root/runs")
    cloud.execute_sql("one", "CREATE DATABASE kept")

    copy = cloud.boot_copy("two", "one", "#!/bin/sh\necho $(hostname) >> /root/runs")

    assert cloud.execute_sql("two", "SHOW DATABASES LIKE 'kept'") == "(('kept',),)"
    assert cloud.run_inside("two", "cat", "/root/runs") == "stack-one\nstack-two"
    assert cloud.run_inside("two", "cat", "/var/lib/cloud/data/instance-id") == "two"
    assert cloud.run_inside("two", "hostname", "--all-ip-addresses") == copy.address
    machine_ids = {cloud.run_inside(guest, "cat", "/etc/machine-id") for guest in ("one", "two")}
    assert len(machine_ids) == 1


def test_an_origin_continues_while_its_copy_changes(cloud: GuestNetwork) -> None:
    cloud.boot("one")
    cloud.execute_sql("one", "CREATE DATABASE d", "CREATE TABLE d.t (i INT PRIMARY KEY)")

    cloud.boot_copy("two", "one")
    cloud.execute_sql("two", "INSERT INTO d.t VALUES (2)")
    cloud.execute_sql("one", "INSERT INTO d.t VALUES (1)")

    assert cloud.execute_sql("one", "SELECT i FROM d.t") == "((1,),)"
    assert cloud.execute_sql("two", "SELECT i FROM d.t") == "((2,),)"


def test_a_copy_of_a_guest_that_does_not_exist_leaves_nothing_behind(cloud: GuestNetwork) -> None:
    with pytest.raises(CloudError, match="there is no guest none"):
        cloud.boot_copy("two", "none")

    assert cloud.list_traces()["disks"] == []
