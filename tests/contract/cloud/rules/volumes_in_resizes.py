"""Nova: the volumes of a server that is resized."""

from __future__ import annotations

from tests.contract.cloud.client import COMPUTE, VOLUME
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import LARGER_FLAVOR, CloudScope, Document
from tests.contract.cloud.server_requests import describe_answer
from tests.contract.rule import Observation

area = CloudRuleArea("volumes in resizes")


def resize(scope: CloudScope, server: str) -> str:
    flavor = scope.find_flavor(LARGER_FLAVOR)
    return describe_answer(scope.act(server, "resize", {"flavorRef": flavor}))


@area.rule_of_scope(
    {
        "in VERIFY_RESIZE": ["in-use", ["attached"]],
        "after the confirmation": ["in-use", ["attached"]],
        "same volume": True,
        "same attachment": False,
    }
)
def a_volume_is_in_use_again_when_its_server_has_moved(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    server = scope.create_server(volume=volume)
    before = _list_attachments(scope, volume)
    resize(scope, server)
    scope.await_status("server", server, "VERIFY_RESIZE", "ERROR")
    moved = _read_volume(scope, volume)
    scope.act(server, "confirmResize")
    scope.await_status("server", server, "ACTIVE", "ERROR")
    rows = scope.read(COMPUTE, f"/servers/{server}/os-volume_attachments")["volumeAttachments"]
    return {
        "in VERIFY_RESIZE": moved,
        "after the confirmation": _read_volume(scope, volume),
        "same attachment": _list_attachments(scope, volume)[0]["id"] == before[0]["id"],
        "same volume": [row["volumeId"] for row in rows] == [volume],
    }


def _read_volume(scope: CloudScope, volume: str) -> list[object]:
    statuses = [each["status"] for each in _list_attachments(scope, volume)]
    return [scope.read_status("volume", volume), statuses]


def _list_attachments(scope: CloudScope, volume: str) -> list[Document]:
    attachments = scope.read(VOLUME, "/attachments/detail")["attachments"]
    return [each for each in attachments if each["volume_id"] == volume]
