"""What on the disk comes from the present instance's user data, by content."""

from __future__ import annotations

import pytest

from guestagent.agent.instance_user_data import InstanceUserData, has_credentials

MULTIPART = b"""\
Content-Type: multipart/mixed; boundary="=b="
MIME-Version: 1.0

--=b=
Content-Type: text/x-cfninitdata; charset="utf-8"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="cfn-metadata-server"

aHR0cDovL2hlYXQudGVzdDo4MDAwL3YxLw==
--=b=
Content-Type: text/x-cfninitdata
Content-Disposition: attachment; filename="cfn-userdata"

#!/bin/sh
path = my-Slave1.Metadata
secret_access_key = a/b+c==
--=b=--
"""


@pytest.mark.parametrize(
    ("content", "is_own"),
    [
        (b"http://heat.test:8000/v1/\n", True),
        (b"http://heat.test:8000/v1/x", False),
        (b"#!/bin/sh\r\n", False),
    ],
)
def test_a_file_is_own_if_it_is_a_part(content: bytes, is_own: bool) -> None:
    assert InstanceUserData.from_texts([MULTIPART]).has_file(content) is is_own


def test_a_bare_script_is_a_part() -> None:
    assert InstanceUserData.from_texts([b"#!/bin/sh\nset -eu\n"]).has_file(b"#!/bin/sh\nset -eu\n")


@pytest.mark.parametrize(
    ("config", "is_own"),
    [
        (b"[cfn]\npath = my-Slave1.Metadata\nsecret_access_key = a/b+c==\n", True),
        (b"[DEFAULT]\nx = other\n[cfn]\n# other\nmetadata_url: http://heat.test:8000/v1/\n", True),
        (b"[cfn]\npath = Slave1.Metadata\nsecret_access_key = a/b+c==\n", False),
        (b"[cfn]\npath = my-Slave1.Metadata\n[request]\nmetadata_url = http://swift.test/\n", False),
        (b"[cfn]\npath =\n  my-Slave1.Metadata\n  other\n", False),
        (b"[cfn]\n", False),
        (b"", False),
    ],
)
def test_credentials_are_own_if_each_value_is_in_the_user_data(config: bytes, is_own: bool) -> None:
    assert InstanceUserData.from_texts([MULTIPART]).has_credentials_of(config) is is_own


@pytest.mark.parametrize(("config", "expected"), [(b"[DEFAULT]\n[cfn]\n", True), (b"[ec2]\n", False)])
def test_a_section_of_a_collector_with_a_login_counts(config: bytes, expected: bool) -> None:
    assert has_credentials(config) is expected


@pytest.mark.parametrize("text", [b"", b"\xff\x1f\x8b", b"Content-Type: multipart/mixed\n\n"])
def test_any_bytes_are_user_data(text: bytes) -> None:
    assert not InstanceUserData.from_texts([text]).has_file(b"other")
