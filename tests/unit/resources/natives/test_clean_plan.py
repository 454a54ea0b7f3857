"""What an order to clean does next with a finding: one row for each case."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from guestagent.resources.natives.clean_plan import CLEAN_DEADLINE_S, CleaningPlan, plan_cleaning
from guestagent.resources.natives.cloud_api import (
    CloudObservation,
    CloudServer,
    CloudVolume,
    VolumeAttachment,
)
from guestagent.resources.natives.requests import CloudRequest, DeletePort, DeleteServer
from guestagent.resources.natives.suspects import Suspect
from guestagent.resources.natives.volume_deletion import build_named_deletion
from guestagent.resources.views import FindingKind

SETTLE_S = 120.0


def build_suspect(resource: str, request: CloudRequest | None, *blockers: str) -> Suspect:
    return Suspect(
        kind=FindingKind.ORPHAN,
        resource=resource,
        cloud_id=f"{resource}-1",
        cluster="lost",
        request=request,
        blockers=frozenset(blockers),
    )


SERVER = build_suspect("server", DeleteServer(server_id="server-1"))
PORT = build_suspect("port", DeletePort(port_id="port-1"), "server-1")
VOLUME = build_suspect("volume", build_named_deletion("volume-1"), "attachment-1")
ACTIVE = CloudServer(id="server-1", name="", status="ACTIVE")
DELETING = replace(ACTIVE, task_state="deleting")
ATTACHED = VolumeAttachment(id="attachment-1", volume_id="volume-1", server_id="server-1", status="attached")
LEAKED = replace(ATTACHED, server_id="server-404", status="reserved")


@dataclass(frozen=True)
class Row:
    """A finding in one round: the others of its order, what is observed, and for how long."""

    suspect: Suspect
    outcome: str
    others: tuple[Suspect, ...] = ()
    observed: CloudObservation = field(default_factory=CloudObservation)
    result: str = ""
    age_s: float = SETTLE_S
    elapsed_s: float = 1.0
    is_seen: bool = True

    def plan(self) -> CleaningPlan:
        named = (self.suspect, *self.others)
        seen = [(each, self.age_s) for each in (named if self.is_seen else self.others)]
        result = {self.suspect.id: self.result} if self.result else {}
        ids = [each.id for each in named]
        return plan_cleaning(ids, result, seen, self.observed, self.elapsed_s, SETTLE_S)


def observe(server: CloudServer | None = None, *attachments: VolumeAttachment) -> CloudObservation:
    servers = {} if server is None else {server.id: server}
    return CloudObservation(servers=servers, attachments=attachments)


def observe_volume(status: str) -> CloudObservation:
    return CloudObservation(
        volumes={"volume-1": CloudVolume(id="volume-1", name="", status=status, size_gib=1)}
    )


ROWS = {
    "it is as it was found": Row(SERVER, "delete server server-1"),
    "it is deleted again if it does not go": Row(SERVER, "delete server server-1", result="requested"),
    "it was seen once": Row(SERVER, "wait: server server-1 was seen once", age_s=SETTLE_S - 1),
    "it was seen once, and long ago": Row(
        SERVER, "wait: server server-1 was seen once", age_s=1, elapsed_s=CLEAN_DEADLINE_S + 1
    ),
    "it is on its way out": Row(SERVER, "wait: server server-1 is being deleted", observed=observe(DELETING)),
    "its volume is on its way out": Row(
        VOLUME, "wait: volume volume-1 is being deleted", observed=observe_volume("deleting")
    ),
    "it does not go for half an hour": Row(
        SERVER,
        "skipped: it is still there after half an hour",
        result="requested",
        observed=observe(DELETING),
        elapsed_s=SETTLE_S + CLEAN_DEADLINE_S + 1,
    ),
    "it is gone after it was requested": Row(SERVER, "deleted", result="requested", is_seen=False),
    "it is gone, or has changed": Row(
        SERVER, "skipped: it is gone, or it has changed since: audit again", is_seen=False
    ),
    "there is nothing to delete": Row(build_suspect("server", None), "skipped: there is nothing to delete"),
    "somebody uses it": Row(replace(PORT, users=("server-1",)), "skipped: it is used by server-1"),
    "it waits for its server, which is named": Row(
        PORT, "wait: port port-1 waits for the end of server-1", (SERVER,), observed=observe(ACTIVE)
    ),
    "its server is not named": Row(
        PORT, "skipped: it is used by server-1, which the order does not name", observed=observe(ACTIVE)
    ),
    "its attachment ends with its server": Row(
        VOLUME, "wait: volume volume-1 waits for the end of server-1", (SERVER,), observe(ACTIVE, ATTACHED)
    ),
    "its reservation is not named": Row(
        VOLUME,
        "skipped: it is used by attachment-1, which the order does not name",
        observed=observe(None, LEAKED),
    ),
    "nobody can see everything": Row(
        SERVER, "wait: a part of Nova does not answer", observed=CloudObservation(is_complete=False)
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_next_step_of_a_finding(name: str) -> None:
    row = ROWS[name]

    plan = row.plan()

    deletion = plan.deletions.get(row.suspect.id)
    settled = plan.result.get(row.suspect.id, "").removeprefix("requested")
    outcome = deletion.text if deletion else settled or f"wait: {plan.waiting_for}"
    assert outcome.startswith(row.outcome)
    assert plan.is_over == (row.outcome == "deleted" or row.outcome.startswith("skipped"))


def test_what_is_settled_stays_so() -> None:
    plan = plan_cleaning(
        [SERVER.id], {SERVER.id: "skipped: locked"}, [(SERVER, SETTLE_S)], observe(), 1, SETTLE_S
    )

    assert (plan.is_over, plan.result) == (True, {SERVER.id: "skipped: locked"})


def test_the_pause_ends_when_a_second_look_is_possible() -> None:
    assert Row(SERVER, "", age_s=SETTLE_S - 7).plan().pause_s == 7
    assert Row(SERVER, "", age_s=0).plan().pause_s == 30
