"""What a container offers its cloud-init, one way at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guestagent.embedded.containers.datasource import Datasource, build_nspawn_options, write_datasource
from guestagent.embedded.containers.no_cloud_seed import build_seed_files
from tests.support.container_guests import GUEST_ID, build_guest

FOLDER = Path("/state/guests/one")


@pytest.mark.parametrize(
    ("datasource", "target"),
    [
        (Datasource.CONFIG_DRIVE, ":/config-drive"),
        (Datasource.NO_CLOUD, ":/var/lib/cloud/seed/nocloud"),
        (Datasource.EC2, ":/etc/cloud/cloud.cfg.d/99-datasource.cfg"),
        (Datasource.OPENSTACK, "product_name=OpenStack Nova"),
    ],
)
def test_a_guest_sees_the_one_way_that_was_chosen(datasource: Datasource, target: str) -> None:
    first, *_ = build_nspawn_options(datasource, FOLDER)

    assert first.endswith(target)


@pytest.mark.parametrize("datasource", [Datasource.CONFIG_DRIVE, Datasource.OPENSTACK])
def test_our_images_find_nova_by_themselves(datasource: Datasource) -> None:
    assert not any("cloud.cfg.d" in option for option in build_nspawn_options(datasource, FOLDER))


def test_the_chosen_datasource_is_in_the_file(tmp_path: Path) -> None:
    write_datasource(Datasource.NO_CLOUD, tmp_path, build_guest())

    lines = (tmp_path / "datasource.cfg").read_text().splitlines()
    assert lines[0] == "datasource_list: [ NoCloud, None ]"


def test_only_root_can_read_a_seed(tmp_path: Path) -> None:
    write_datasource(Datasource.NO_CLOUD, tmp_path, build_guest())

    assert (tmp_path / "seed").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "seed/user-data").read_bytes() == b"#!/bin/sh\n"


@pytest.mark.parametrize(
    ("address", "gateway", "kind"),
    [("10.77.0.11", "10.77.0.1", "static"), ("fd00:77::a", "fd00:77::1", "static6")],
)
def test_a_seed_has_the_instance_and_its_address(address: str, gateway: str, kind: str) -> None:
    files = build_seed_files(build_guest(address=address, gateway=gateway, prefix=64))

    [link] = json.loads(files["network-config"])["config"]
    assert json.loads(files["meta-data"])["instance-id"] == GUEST_ID
    assert link["subnets"] == [{"type": kind, "address": f"{address}/64", "gateway": gateway}]
