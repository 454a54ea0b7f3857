"""User data as Heat builds it."""

from __future__ import annotations

import json
from email import message_from_bytes

import pytest

from guestagent.embedded.heat.resources.cloud_init_parts import measure_as_heat
from guestagent.embedded.heat.resources.user_data import build_cfntools_data, build_config_data, check_length
from guestagent.embedded.http.errors import ResourceFailure

MULTIPART = """\
Content-Type: multipart/mixed; boundary="==b=="
MIME-Version: 1.0

--==b==
Content-Type: text/x-shellscript
Content-Disposition: attachment; filename="one.sh"

#!/bin/sh
--==b==
Content-Type: text/cloud-config
Content-Disposition: attachment; filename="two"

#cloud-config
--==b==--
"""


def parts(sent: bytes) -> dict[str, tuple[str, str]]:
    """By file name: the type and the text."""
    found = {}
    for part in message_from_bytes(sent).walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            found[str(part.get_filename())] = part.get_content_type(), payload.decode()
    return found


def test_script_and_metadata_are_parts_under_heats_names() -> None:
    found = parts(
        build_cfntools_data({"Users": [{"password": "pä"}]}, "#!/bin/sh\necho ü\n", "http://10.77.0.1:8000")
    )

    assert found["cfn-userdata"] == ("text/x-cfninitdata", "#!/bin/sh\necho ü\n")
    assert json.loads(found["cfn-init-data"][1]) == {"Users": [{"password": "pä"}]}
    assert found["cfn-metadata-server"][1] == "http://10.77.0.1:8000/v1/"


def test_without_metadata_there_is_no_part_for_it() -> None:
    assert "cfn-init-data" not in parts(build_cfntools_data({}, "", "http://h"))


def test_a_software_configs_script_is_a_nameless_plain_part() -> None:
    found = parts(build_config_data({"os-collect-config": {}}, "#!/bin/sh\n"))

    assert found[""] == ("text/plain", "#!/bin/sh\n")
    assert found["cfn-init-data"] == ("text/x-cfninitdata", '{"os-collect-config": {}}')
    assert "cfn-metadata-server" not in found


def test_the_parts_of_a_multipart_stay_parts() -> None:
    found = parts(build_config_data({}, MULTIPART))

    assert [(name, kind) for name, (kind, _) in found.items()][3:] == [
        ("one.sh", "text/x-shellscript"),
        ("two", "text/cloud-config"),
    ]


def test_user_data_that_are_too_long_for_nova_are_rejected() -> None:
    with pytest.raises(ResourceFailure, match="too long"):
        check_length(b"x" * 50_000)


def test_the_parts_have_heats_order() -> None:
    user_data = build_cfntools_data({"a": "b"}, "#!/bin/sh\n", "http://10.77.0.1:8000")

    assert list(parts(user_data)) == [
        "cloud-config",
        "boothook.sh",
        "part-handler.py",
        "cfn-userdata",
        "loguserdata.py",
        "cfn-init-data",
        "cfn-metadata-server",
        "cfn-boto-cfg",
    ]


def test_an_instance_gets_its_account() -> None:
    found = parts(build_cfntools_data({}, "", "http://h", "ec2-user"))

    assert found["cloud-config"][1].startswith("user: ec2-user\n")
    assert "useradd -m ec2-user\n" in found["boothook.sh"][1]


def test_a_server_gets_no_account() -> None:
    found = parts(build_cfntools_data({}, "", "http://h"))

    assert "user" not in found["cloud-config"][1]
    assert "useradd" not in found["boothook.sh"][1]


def test_the_tools_know_the_host_of_the_cfn_api() -> None:
    found = parts(build_cfntools_data({}, "", "http://[fd00:77::1]:8000"))

    assert found["cfn-boto-cfg"][1].splitlines()[-1] == "cfn_region_endpoint = fd00:77::1"


def test_the_parts_of_a_real_heat_count_against_the_limit() -> None:
    room = 65_535 * 3 // 4 - measure_as_heat(build_config_data({}, ""))

    check_length(build_config_data({}, "x" * room))
    with pytest.raises(ResourceFailure, match="too long"):
        check_length(build_config_data({}, "x" * (room + 2)))
