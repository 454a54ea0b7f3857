"""What the plan decides about an instance that is not wanted any more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from guestagent.resources.orders import (
    DeleteInstance,
    VolumeFate,
)
from tests.support.orders import build_order
from tests.unit.resources.clusters import build_wanted
from tests.unit.resources.natives.decision_cases import (
    NAME,
    NOW,
    Case,
    build_record,
    build_server,
    build_volume,
)
from tests.unit.resources.natives.decision_parts import (
    GONE,
    INTENDED,
    REFUSED,
    REFUSED_OUTRIGHT,
    RESERVED,
    RUNNING,
    SERVER,
    VOLUME,
)


def remove(fate: VolumeFate | None) -> dict[str, Any]:
    """Return what an instance that is not wanted any more has."""
    order = None if fate is None else build_order(DeleteInstance, instance=NAME, volume=fate)
    return {**RUNNING, "order": order, "wanted": replace(build_wanted(0), instances=())}


SERVER_GONE: dict[str, Any] = {
    "server": build_record(SERVER, GONE, was_used=True),
    "cloud_server": None,
    "cloud_volume": build_volume(),
}
PORT_GONE: dict[str, Any] = {**SERVER_GONE, "port": None, "cloud_port": None}
REMOVAL = [
    Case(subject="removal", known="server there", **remove(VolumeFate.DELETE)),
    Case(
        subject="removal",
        known="server deleting",
        **{**remove(VolumeFate.DELETE), "cloud_server": build_server("ACTIVE", "deleting")},
    ),
    Case(subject="removal", known="server 404", **{**remove(VolumeFate.DELETE), "cloud_server": None}),
    Case(
        subject="removal",
        known="server never answered, no trace",
        **{
            **remove(VolumeFate.DELETE),
            "cloud_server": None,
            "server": build_record(SERVER, INTENDED),
            "cloud_volume": build_volume(),
        },
    ),
    *(
        Case(
            subject="removal",
            known=known,
            **{
                **remove(VolumeFate.DELETE),
                "cloud_server": None,
                "server": build_record(SERVER, phase),
                "cloud_volume": build_volume(),
            },
        )
        for known, phase in (
            ("server refused, after a request without an answer", REFUSED),
            ("server refused by every answer", REFUSED_OUTRIGHT),
        )
    ),
    Case(
        subject="removal",
        known="server gone, volume reserved",
        **{
            **remove(VolumeFate.DELETE),
            **SERVER_GONE,
            "attachment": RESERVED,
            "cloud_volume": build_volume("reserved"),
        },
    ),
    Case(subject="removal", known="server gone, port there", **{**remove(VolumeFate.DELETE), **SERVER_GONE}),
    Case(subject="removal", known="port gone, volume: delete", **{**remove(VolumeFate.DELETE), **PORT_GONE}),
    Case(subject="removal", known="port gone, volume: keep", **{**remove(VolumeFate.KEEP), **PORT_GONE}),
    Case(subject="removal", known="port gone, no order about the volume", **{**remove(None), **PORT_GONE}),
    Case(
        subject="removal",
        known="port gone, volume: delete, error_deleting",
        **{
            **remove(VolumeFate.DELETE),
            **PORT_GONE,
            "volume": build_record(VOLUME, was_used=True, answer="deletion requested", intended_at=NOW),
            "cloud_volume": build_volume("error_deleting"),
        },
    ),
]
