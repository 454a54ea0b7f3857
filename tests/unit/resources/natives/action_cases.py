"""What the plan decides about resizes, restarts, growths and replacements."""

from __future__ import annotations

from dataclasses import replace

from guestagent.resources.natives.growing import PROVING
from guestagent.resources.orders import (
    MigrateInstance,
    RenewInstance,
    ReplaceInstance,
    ResizeVolume,
    RestartInstance,
)
from guestagent.resources.store.records import ResourceKind
from guestagent.resources.wanted import WantedVolume
from tests.support.orders import build_order
from tests.unit.resources.natives.decision_cases import (
    NAME,
    NOW,
    OPERATION_NUMBER,
    Case,
    build_record,
    build_server,
    build_volume,
)
from tests.unit.resources.natives.decision_parts import (
    FAILURE,
    GONE,
    INTENDED,
    KEEP,
    REFUSED,
    REFUSED_OUTRIGHT,
    RESIZE,
    RUNNING,
    SERVER,
    SUCCESS,
    VOLUME,
    act,
    build_evidence,
    move,
    want,
)

ACTIONS = [
    Case(
        subject="resize",
        known="ordered",
        **{**RUNNING, "order": RESIZE, "wanted": want(flavor="m1.large", previous_flavor="m1.small")},
    ),
    *(
        Case(
            subject="resize",
            known=f"ordered, volume {status}",
            **{
                **RUNNING,
                "cloud_volume": build_volume(status),
                "order": RESIZE,
                "wanted": want(flavor="m1.large", previous_flavor="m1.small"),
            },
        )
        for status in ("extending", "attaching", "error_extending")
    ),
    Case(
        subject="resize",
        known="asked for, action listed",
        **move(INTENDED, cloud_request_id=""),
        actions=act("resize"),
    ),
    Case(subject="resize", known="asked for, no action", **move(INTENDED, cloud_request_id="")),
    Case(
        subject="resize",
        known="RESIZE",
        **{**move(), "cloud_server": build_server("RESIZE", "resize_prep")},
        actions=act("resize"),
    ),
    Case(
        subject="resize",
        known="VERIFY_RESIZE, first seen",
        **{**move(), "cloud_server": build_server("VERIFY_RESIZE", flavor="m1.large")},
        actions=act("resize", "Success"),
    ),
    Case(
        subject="resize",
        known="VERIFY_RESIZE, not proved",
        **{**move(cloud_id="server-1"), "cloud_server": build_server("VERIFY_RESIZE", flavor="m1.large")},
        actions=act("resize", "Success"),
    ),
    Case(
        subject="resize",
        known="VERIFY_RESIZE, proved",
        **{**move(cloud_id="server-1"), "cloud_server": build_server("VERIFY_RESIZE", flavor="m1.large")},
        actions=act("resize", "Success"),
        signal=SUCCESS,
    ),
    Case(
        subject="resize",
        known="VERIFY_RESIZE, FAILURE signalled",
        **{**move(cloud_id="server-1"), "cloud_server": build_server("VERIFY_RESIZE", flavor="m1.large")},
        actions=act("resize", "Success"),
        signal=FAILURE,
    ),
    Case(
        subject="resize",
        known="the same, with on_failure: keep",
        **{
            **move(cloud_id="server-1"),
            "cloud_server": build_server("VERIFY_RESIZE", flavor="m1.large"),
            "order": KEEP,
        },
        actions=act("resize", "Success"),
        signal=FAILURE,
    ),
    Case(
        subject="resize",
        known="to be reverted, VERIFY_RESIZE",
        **{
            **move(REFUSED, answer="revert requested: disk full", intended_at=0.0),
            "cloud_server": build_server("VERIFY_RESIZE", flavor="m1.large"),
        },
        actions=act("resize", "Success"),
    ),
    Case(
        subject="resize",
        known="to be reverted, ACTIVE with the old flavor",
        **move(REFUSED, answer="revert requested: disk full"),
        actions=act("resize", "Success"),
    ),
    Case(
        subject="resize", known="ACTIVE, old flavor, action Error", **move(), actions=act("resize", "Error")
    ),
    Case(
        subject="resize", known="ACTIVE, old flavor, action without result", **move(), actions=act("resize")
    ),
    Case(
        subject="resize",
        known="ACTIVE, new flavor, proved",
        **{**move(cloud_id="server-1"), "cloud_server": build_server(flavor="m1.large")},
        actions=act("resize", "Success"),
        signal=SUCCESS,
    ),
    Case(
        subject="resize",
        known="ERROR",
        **{**move(), "cloud_server": build_server("ERROR", fault="host lost")},
        actions=act("resize"),
    ),
    Case(
        subject="resize",
        known="refused by the cloud",
        **move(REFUSED_OUTRIGHT, answer="quota: cores"),
        actions=(),
    ),
    Case(
        subject="resize",
        known="refused when it was asked for again",
        **move(REFUSED, answer="refused: it is in task_state resize_prep"),
        actions=(),
    ),
    Case(
        subject="resize",
        known="refused when it was asked for again, its action is listed",
        **move(REFUSED, answer="refused: it is in task_state resize_prep", cloud_request_id=""),
        actions=act("resize"),
    ),
    Case(
        subject="migration",
        known="ordered",
        **{**RUNNING, "order": build_order(MigrateInstance, instance=NAME)},
    ),
    Case(
        subject="restart",
        known="ordered",
        **{**RUNNING, "order": build_order(RestartInstance, instance=NAME)},
    ),
    Case(
        subject="restart",
        known="ordered for a server in ERROR",
        **{
            **RUNNING,
            "cloud_server": build_server("ERROR"),
            "order": build_order(RestartInstance, instance=NAME),
        },
    ),
    Case(
        subject="restart",
        known="action Error",
        **{**RUNNING, "order": build_order(RestartInstance, instance=NAME)},
        action=build_record(ResourceKind.REBOOT, epoch=OPERATION_NUMBER, cloud_request_id="req-own"),
        actions=act("reboot", "Error"),
    ),
    Case(
        subject="growth",
        known="ordered",
        **{
            **RUNNING,
            "order": build_order(ResizeVolume, instance=NAME, size_gib=20),
            "wanted": want(volume=WantedVolume(20)),
        },
    ),
    *(
        Case(
            subject="growth",
            known=known,
            **{
                **RUNNING,
                "cloud_volume": volume,
                "order": build_order(ResizeVolume, instance=NAME, size_gib=20),
                "wanted": want(volume=WantedVolume(20)),
            },
            action=build_record(ResourceKind.GROWTH, epoch=OPERATION_NUMBER, intended_at=NOW, cloud_id=seen),
            actions=actions,
        )
        for known, volume, seen, actions in [
            ("extending", build_volume("extending"), None, ()),
            ("in-use, new size, first seen", build_volume("in-use", 20), None, ()),
            ("in-use, new size, no action yet", build_volume("in-use", 20), "volume-1", ()),
            (
                "in-use, new size, action Success",
                build_volume("in-use", 20),
                "volume-1",
                act("extend_volume", "Success"),
            ),
            (
                "in-use, new size, action Error",
                build_volume("in-use", 20),
                "volume-1",
                act("extend_volume", "Error"),
            ),
            ("error_extending", build_volume("error_extending"), None, ()),
        ]
    ),
    *(
        Case(
            subject="growth",
            known=f"Nova is done, {known}",
            **{
                **RUNNING,
                "cloud_volume": build_volume("in-use", 20),
                "order": build_order(ResizeVolume, instance=NAME, size_gib=20),
                "wanted": want(volume=WantedVolume(20)),
            },
            action=build_record(
                ResourceKind.GROWTH,
                epoch=OPERATION_NUMBER,
                intended_at=NOW,
                cloud_id="volume-1",
                answer=PROVING,
            ),
            actions=act("extend_volume", "Success"),
            signal=signal,
        )
        for known, signal in [
            ("no signal", None),
            ("SUCCESS with 20 GiB", replace(SUCCESS, data=build_evidence(20))),
            ("SUCCESS with 10 GiB", replace(SUCCESS, data=build_evidence(10))),
            ("FAILURE signalled", FAILURE),
        ]
    ),
    Case(
        subject="renewal",
        known="ordered, not proved",
        **RUNNING | {"order": build_order(RenewInstance, instance=NAME)},
    ),
    Case(
        subject="replacement",
        known="old server there",
        **RUNNING
        | {"order": build_order(ReplaceInstance, instance=NAME), "wanted": want(epoch=2, generation=2)},
    ),
    Case(
        subject="replacement",
        known="old server gone",
        volume=build_record(VOLUME, was_used=True),
        server=build_record(SERVER, GONE, was_used=True),
        order=build_order(ReplaceInstance, instance=NAME),
        wanted=want(epoch=2, generation=2),
    ),
]
