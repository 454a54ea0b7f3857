"""User data: the parts that a guest executes, keeps and ignores."""

from __future__ import annotations

from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestagent.embedded.guests.user_data import UserData, parse_user_data

SCRIPT = "#!/bin/sh\necho hello\n"
METADATA = '{"Users": [{"name": "slave0000", "password": "geheim-ü"}]}'


def multipart(*parts: tuple[str, str, str]) -> bytes:
    """(subtype, file name, content) as Heat puts them together."""
    message = MIMEMultipart()
    for subtype, name, content in parts:
        part = MIMEText(content, _subtype=subtype)
        if name:
            part.add_header("Content-Disposition", "attachment", filename=name)
        message.attach(part)
    return message.as_bytes()


def test_a_bare_script_is_executed() -> None:
    assert parse_user_data(SCRIPT.encode()) == UserData(scripts=(("cfn-userdata", SCRIPT.encode()),))


def test_heats_multipart_gives_the_users_script_and_the_metadata() -> None:
    heats = multipart(
        ("cloud-config", "", "#cloud-config\nuser: ec2-user\n"),
        ("cloud-boothook", "boothook.sh", "#!/usr/bin/bash\nmkdir -p /var/lib/heat-cfntools\n"),
        ("part-handler", "part-handler.py", "#part-handler\nimport os\n"),
        ("x-cfninitdata", "cfn-userdata", SCRIPT),
        ("x-shellscript", "loguserdata.py", "#!/usr/bin/env python3\nimport sys\n"),
        ("x-cfninitdata", "cfn-init-data", METADATA),
    )

    assert parse_user_data(heats) == UserData((("cfn-userdata", SCRIPT.encode()),), METADATA.encode())


def test_scripts_of_other_parts_are_executed_in_their_order() -> None:
    both = multipart(("x-shellscript", "second.sh", SCRIPT), ("x-shellscript", "", SCRIPT))

    assert [name for name, _ in parse_user_data(both).scripts] == ["second.sh", "part-002"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/passwd"])
def test_a_part_cannot_choose_its_folder(name: str) -> None:
    assert [name for name, _ in parse_user_data(multipart(("x-shellscript", name, SCRIPT))).scripts] == [
        "passwd"
    ]


@pytest.mark.parametrize(
    "ignored",
    [
        b"",
        b"#cloud-config\nruncmd: [reboot]\n",
        b"\x1f\x8b\x00",
        multipart(("x-cfninitdata", "cfn-userdata", "echo")),
    ],
    ids=["nothing", "cloud-config", "binary", "no interpreter"],
)
def test_what_is_no_script_is_ignored_in_silence(ignored: bytes) -> None:
    assert parse_user_data(ignored) == UserData()


@given(
    st.binary() | st.binary().map(lambda body: b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + body)
)
def test_nothing_makes_it_fail(user_data: bytes) -> None:
    assert isinstance(parse_user_data(user_data), UserData)
