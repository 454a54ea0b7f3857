"""User data as Heat wraps it."""

from __future__ import annotations

import json
from email import message_from_bytes

from guestagent.embedded.heat.instance import user_data


def parts(sent: bytes) -> dict[str, str]:
    found = {}
    for part in message_from_bytes(sent).walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            found[str(part.get_filename())] = payload.decode()
            assert part.get_content_type() == "text/x-cfninitdata"
    return found


def test_script_and_metadata_are_parts_under_heats_names() -> None:
    found = parts(user_data({"Users": [{"password": "pä"}]}, "#!/bin/sh\necho ü\n", "http://10.77.0.1:8000"))

    assert found["cfn-userdata"] == "#!/bin/sh\necho ü\n"
    assert json.loads(found["cfn-init-data"]) == {"Users": [{"password": "pä"}]}
    assert found["cfn-metadata-server"] == "http://10.77.0.1:8000/v1/"


def test_without_metadata_there_is_no_part_for_it() -> None:
    assert "cfn-init-data" not in parts(user_data({}, "", "http://h"))
