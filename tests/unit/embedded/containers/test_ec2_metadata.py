"""The Ec2 dialect of the metadata service, as cloud-init walks through it."""

from __future__ import annotations

import re

import pytest

from guestagent.embedded.containers.ec2_metadata import build_instance_id, find_content

VALUES = {"instance-id": "i-1", "placement/availability-zone": "nova", "public-ipv4": ""}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("", b"meta-data/\nuser-data"),
        ("meta-data", b"instance-id\nplacement/\npublic-ipv4"),
        ("meta-data/instance-id", b"i-1"),
        ("meta-data/placement", b"availability-zone"),
        ("meta-data/placement/availability-zone", b"nova"),
        ("meta-data/public-ipv4", b""),
        ("user-data", b"data"),
        ("meta-data/none", None),
        ("user-data/more", None),
        ("other", None),
    ],
)
def test_each_path_has_its_content(path: str, content: bytes | None) -> None:
    assert find_content([word for word in path.split("/") if word], VALUES, b"data") == content


def test_without_user_data_there_is_no_such_name() -> None:
    assert find_content([], VALUES, None) == b"meta-data/"
    assert find_content(["user-data"], VALUES, None) is None


def test_an_instance_has_an_id_of_its_own_for_ec2() -> None:
    assert re.fullmatch("i-[0-9a-f]{8}", build_instance_id("one"))
    assert build_instance_id("one") != build_instance_id("two")
