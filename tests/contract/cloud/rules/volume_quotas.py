"""Cinder: the quota of a project, and what counts."""

from __future__ import annotations

import re
from collections.abc import Mapping

import requests

from tests.contract.cloud.client import VOLUME, build_name, format_answer
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import CloudScope
from tests.contract.rule import Observation

area = CloudRuleArea("quotas of volumes")
COUNT_ATTEMPTS = 10
TOO_LARGE = (
    "413 overLimit: VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. "
    "Requested 4G, quota is NG and NG has been consumed."
)


def read_limits(scope: CloudScope) -> Mapping[str, int]:
    return dict(scope.read(VOLUME, "/limits")["limits"]["absolute"])


def read_settled_limits(scope: CloudScope) -> Mapping[str, int]:
    """Return the limits when they count what is listed. If Cinder counted too few, it counts anew in a creation."""
    for _ in range(COUNT_ATTEMPTS):
        scope.create_volume()
        limits = read_limits(scope)
        sizes = [volume["size"] for volume in scope.read(VOLUME, "/volumes/detail")["volumes"]]
        if (limits["totalVolumesUsed"], limits["totalGigabytesUsed"]) == (len(sizes), sum(sizes)):
            return limits
    raise AssertionError(f"Cinder counts {limits}, and lists volumes of {sizes} GiB")


def request_volume(scope: CloudScope, size: int) -> requests.Response:
    return scope.request_creation("volume", {"name": build_name(), "size": size})


def mask_quota(text: str) -> str:
    """Return a refusal without what depends on what else the project has."""
    return re.sub(r"(quota is|and|allowed) (\(?)\d+", r"\1 \2N", text)


@area.rule_of_scope(
    [
        "413 overLimit: VolumeLimitExceeded: Maximum number of volumes allowed (N) exceeded for quota 'volumes'.",
        "0",
        {"code": 413, "retryAfter": "0"},
    ],
    alone=True,
)
def one_volume_too_many_is_413_with_a_retry_after_of_no_use(scope: CloudScope) -> Observation:
    with scope.cloud.operator.limit_quota("volumes", read_settled_limits(scope)["totalVolumesUsed"]):
        answer = request_volume(scope, 1)
    fault = answer.json()["overLimit"]
    more = {key: fault[key] for key in ("code", "retryAfter")}
    return [mask_quota(format_answer(answer)), answer.headers["Retry-After"], more]


@area.rule_of_scope([TOO_LARGE, "202"], alone=True)
def a_volume_of_too_many_gigabytes_is_413(scope: CloudScope) -> Observation:
    with scope.cloud.operator.limit_quota("gigabytes", read_settled_limits(scope)["totalGigabytesUsed"] + 3):
        return [mask_quota(format_answer(request_volume(scope, size))) for size in (4, 3)]


@area.rule_of_scope(
    "413 overLimit: VolumeSizeExceedsLimit: Requested volume size 4G is larger than maximum allowed limit 3G.",
    alone=True,
)
def a_single_volume_that_is_too_large_is_413(scope: CloudScope) -> Observation:
    with scope.cloud.operator.limit_quota("per_volume_gigabytes", 3):
        return format_answer(request_volume(scope, 4))


@area.rule_of_scope([TOO_LARGE, "available", 1], alone=True)
def a_growth_over_the_quota_is_413_and_changes_nothing(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    with scope.cloud.operator.limit_quota("gigabytes", read_limits(scope)["totalGigabytesUsed"] + 3):
        body = {"os-extend": {"new_size": 5}}
        answer = scope.send(VOLUME, "POST", f"/volumes/{volume}/action", body)
    shown = scope.show("volume", volume)
    return [mask_quota(format_answer(answer)), shown["status"], shown["size"]]


@area.rule_of_scope([[1, 2], [1, 3], [0, 0]], alone=True)
def the_limits_show_what_is_used_until_it_is_gone(scope: CloudScope) -> Observation:
    before = read_limits(scope)

    def count() -> list[int]:
        now = read_limits(scope)
        return [now[key] - before[key] for key in ("totalVolumesUsed", "totalGigabytesUsed")]

    volume = scope.create_volume(size=2)
    created = count()
    scope.send(VOLUME, "POST", f"/volumes/{volume}/action", {"os-extend": {"new_size": 3}})
    scope.await_status("volume", volume, "available")
    grown = count()
    scope.delete("volume", volume)
    scope.await_status("volume", volume, "gone")
    # Cinder gives the quota back right after.
    scope.await_value(lambda: str(count()), str([0, 0]))
    return [created, grown, count()]


@area.rule_of_scope([1, 1], alone=True)
def a_failed_growth_gives_its_gigabytes_back_and_a_volume_in_error_keeps_them(
    scope: CloudScope,
) -> Observation:
    before = read_limits(scope)["totalGigabytesUsed"]
    volume = scope.create_volume(volume_type="fixed")
    scope.send(VOLUME, "POST", f"/volumes/{volume}/action", {"os-extend": {"new_size": 5}})
    scope.await_status("volume", volume, "error_extending")
    scope.await_value(lambda: str(read_limits(scope)["totalGigabytesUsed"] - before), "1")
    after_growth = read_limits(scope)["totalGigabytesUsed"] - before
    scope.create_volume(volume_type="broken")
    return [after_growth, read_limits(scope)["totalGigabytesUsed"] - before - after_growth]


@area.rule_of_scope(
    [
        *("maxTotalBackupGigabytes", "maxTotalBackups", "maxTotalSnapshots", "maxTotalVolumeGigabytes"),
        *("maxTotalVolumes", "totalBackupGigabytesUsed", "totalBackupsUsed", "totalGigabytesUsed"),
        *("totalSnapshotsUsed", "totalVolumesUsed"),
    ]
)
def the_names_of_the_limits(scope: CloudScope) -> Observation:
    return sorted(read_limits(scope))
