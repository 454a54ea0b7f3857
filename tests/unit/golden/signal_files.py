"""signal.json in every state, and the bodies that are sent to a handle."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

from guestagent.metadata.document import CfnHandle, Handle, HotHandle, UnresolvedFunction
from guestagent.secret import Secret
from guestagent.signal import (
    DeliveryRecord,
    SignalOutcome,
    SignalRecord,
    SignalStatus,
    SignalTransport,
    Spool,
    SpoolEntry,
    build_body,
)
from tests.unit.golden.golden_file import add_golden, to_json
from tests.unit.golden.stored_file import StoredFile

Act = Callable[[Path, Handle, SignalOutcome], None]

NOW = datetime(2026, 11, 23, 18, 1, 0, tzinfo=timezone.utc)
HEAT = "http://heat.example:8004/v1/p1/stacks/s/1/resources/Handle/signal"
URL = (
    "http://heat.example:8000/v1/waitcondition/arn%3Aopenstack%3Aheat%3A%3Ap%3Astacks/s/1/resources/Handle"
    "?SignatureMethod=HmacSHA256&SignatureVersion=2&AWSAccessKeyId=key"
    "&Timestamp=2026-11-23T18%3A00%3A00Z&Signature=c2lnbmF0dXJl%3D"
)


def build_hot_handle(**attributes: str) -> HotHandle:
    return HotHandle(Secret(json.dumps(attributes)))


ACCOUNT = build_hot_handle(
    auth_url="http://keystone.example:5000/v3",
    user_id="u1",
    username="s-Handle-abc",
    password="s3cret",
    project_id="p1",
    domain_id="d1",
    region_name="RegionOne",
    alarm_url=HEAT,
)
HANDLES: dict[str, tuple[Handle, SignalTransport]] = {
    "cfn": (CfnHandle(Secret(URL)), SignalTransport.CFN),
    "hot-cfn-signal": (build_hot_handle(alarm_url=URL), SignalTransport.CFN),
    "hot-token-signal": (build_hot_handle(endpoint=HEAT, token="gAAAAABtoken"), SignalTransport.TOKEN),
    "hot-heat-signal": (ACCOUNT, SignalTransport.HEAT),
}
"""A handle of every kind, and its transport."""
UNUSABLE = UnresolvedFunction("Handle", '{"Ref":"Handle"}')
READY = SignalOutcome(
    SignalStatus.SUCCESS, "Slave0000 is ready", {"role": "replica", "generation": 2, "lag": None}
)
FAILED = SignalOutcome(SignalStatus.FAILURE, "Slave0000 is not ready", {})


AT = "2026-11-23T18:01:00+00:00"
WHY = "the handle's URL has expired"


def build_entry(handle: Handle, outcome: SignalOutcome) -> SpoolEntry:
    return SpoolEntry(handle, "Slave0000-2", outcome)


def open_spool(state: Path) -> Spool:
    return Spool(state, lambda: NOW)


def put(state: Path, handle: Handle, outcome: SignalOutcome) -> None:
    open_spool(state).put_entry(build_entry(handle, outcome))


def accept(state: Path, handle: Handle, outcome: SignalOutcome) -> None:
    put(state, handle, outcome)
    open_spool(state).mark_accepted(build_entry(handle, outcome))


def give_up(state: Path, handle: Handle, outcome: SignalOutcome) -> None:
    put(state, handle, outcome)
    open_spool(state).mark_given_up(build_entry(handle, outcome), WHY)


def read_signal(state: Path) -> SignalRecord | None:
    return open_spool(state).read_record()


def list_signal_files() -> Iterator[tuple[str, StoredFile]]:
    """Return every kind of handle in every state: pending, accepted, given up, and one after the other."""
    for name, (handle, kind) in HANDLES.items():
        pending = build_entry(handle, READY)
        key, resource = pending.key, pending.resource_key
        accepted = DeliveryRecord(FAILED, AT, transport=kind)
        given_up = DeliveryRecord(READY, AT, WHY, kind)
        yield (
            f"signal/pending-{name}.json",
            signal_file(SignalRecord(key, pending, resource=resource), handle, (put, READY)),
        )
        yield (
            f"signal/accepted-{name}.json",
            signal_file(SignalRecord(key, accepted=accepted, resource=resource), handle, (accept, FAILED)),
        )
        yield (
            f"signal/accepted-then-pending-{name}.json",
            signal_file(
                SignalRecord(key, pending, accepted, resource=resource),
                handle,
                (accept, FAILED),
                (put, READY),
            ),
        )
        yield (
            f"signal/accepted-then-given-up-{name}.json",
            signal_file(
                SignalRecord(key, None, accepted, given_up, resource),
                handle,
                (accept, FAILED),
                (give_up, READY),
            ),
        )
    unusable = build_entry(UNUSABLE, FAILED)
    lost = SignalRecord(
        unusable.key, given_up=DeliveryRecord(FAILED, AT, WHY, None), resource=unusable.resource_key
    )
    yield "signal/given-up-unusable.json", signal_file(lost, UNUSABLE, (give_up, FAILED))


def signal_file(
    value: SignalRecord, handle: Handle = UNUSABLE, *steps: tuple[Act, SignalOutcome]
) -> StoredFile:
    """Describe the file after these steps, each with one outcome for the handle."""

    def write(state: Path) -> None:
        for act, outcome in steps:
            act(state, handle, outcome)

    return StoredFile("signal.json", write, read_signal, value)


SIGNAL_RECORDS: dict[str, SignalRecord] = {
    name: stored.value for name, stored in list_signal_files() if isinstance(stored.value, SignalRecord)
}
"""The content of each file, by its name."""

UNNAMED_TRANSPORT = SignalRecord(
    build_entry(HANDLES["cfn"][0], READY).key,
    None,
    DeliveryRecord(FAILED, AT),
    DeliveryRecord(READY, AT, WHY),
)
"""A record of the first versions, which had one transport and did not name it."""


def build_golden_body(name: str, outcome: SignalOutcome, folder: Path) -> str:
    return to_json(json.loads(build_body(HANDLES[name][0], "Slave0000-2", outcome)))


for _name in HANDLES:
    add_golden(f"signal_body/success-{_name}.json", partial(build_golden_body, _name, READY))
LARGE = SignalOutcome(SignalStatus.SUCCESS, "ready", {"gtid": "x" * 20000, "lag": 0})
ENDLESS = SignalOutcome(SignalStatus.SUCCESS, "ready", {f"key {number}": "x" * 20 for number in range(2000)})
"""Evidence that has to be cut: one long value, and too many of them."""

add_golden("signal_body/large-cfn.json", partial(build_golden_body, "cfn", LARGE))
add_golden("signal_body/endless-cfn.json", partial(build_golden_body, "cfn", ENDLESS))
add_golden("signal_body/failure-cfn.json", partial(build_golden_body, "cfn", FAILED))
add_golden("signal_body/failure-hot-cfn-signal.json", partial(build_golden_body, "hot-cfn-signal", FAILED))
