"""Views of one instance in one round, each in a line, for the table of decisions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from guestagent.resources.natives.absence import Absence
from guestagent.resources.natives.cloud_api import (
    CloudGroup,
    CloudObservation,
    CloudPort,
    CloudServer,
    CloudServerGroup,
    CloudVolume,
    ServerAction,
    VolumeAttachment,
)
from guestagent.resources.natives.cluster_view import CloudLookups, ClusterView
from guestagent.resources.natives.group_rules import build_group_key, build_rule_key
from guestagent.resources.natives.marks import Mark, build_description, build_metadata
from guestagent.resources.natives.round_plan import plan_round
from guestagent.resources.natives.server_group import build_server_group_key
from guestagent.resources.natives.volume_messages import CloudMessage
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import CreateCluster, Order
from guestagent.resources.store.records import (
    QueuedOperation,
    ResourceKey,
    ResourceKind,
    ResourcePhase,
    ResourceRecord,
    SignalEntry,
)
from guestagent.resources.wanted import DATABASE_GROUP, WantedCluster
from tests.support.orders import build_order
from tests.unit.resources.clusters import build_wanted

NOW = 10_000.0
NAME = "Master0000"
STORE, CLUSTER_ID = "store", "cluster"
OPERATION_NUMBER = 7
ABSENT = Absence(0.0, 0.0, 0.0)
"""Looked for twice, after the settle time of requests that were intended at 0."""


def build_key(kind: ResourceKind, epoch: int = 1) -> ResourceKey:
    return ResourceKey("shop", kind, NAME, epoch=epoch)


def build_record(kind: ResourceKind, phase: ResourcePhase | None = None, **values: Any) -> ResourceRecord:
    """Return a record; one that is created has an id."""
    phase = ResourcePhase.CREATED if phase is None else phase
    cloud_id = f"{kind}-1" if phase is ResourcePhase.CREATED else None
    epoch = values.pop("epoch", 1)
    return ResourceRecord(
        **{
            "key": build_key(kind, epoch),
            "phase": phase,
            "cloud_id": cloud_id,
            "operation_id": "op",
            **values,
        }
    )


def build_mark(kind: ResourceKind, epoch: int = 1) -> Mark:
    return Mark(STORE, CLUSTER_ID, build_key(kind, epoch))


def build_server(status: str = "ACTIVE", task_state: str | None = None, **values: Any) -> CloudServer:
    values = {
        "id": "server-1",
        "name": "",
        "flavor": "m1.small",
        "metadata": build_metadata(build_mark(ResourceKind.SERVER)),
        **values,
    }
    return CloudServer(status=status, task_state=task_state, **values)


def build_volume(status: str = "available", size_gib: int = 10, **values: Any) -> CloudVolume:
    values = {"metadata": build_metadata(build_mark(ResourceKind.VOLUME)), **values}
    return CloudVolume(id="volume-1", name="", status=status, size_gib=size_gib, **values)


def build_port(**values: Any) -> CloudPort:
    mark = build_mark(ResourceKind.PORT)
    port = CloudPort(id="port-1", name="", description=build_description(mark), groups=frozenset({"group-1"}))
    return replace(port, **values)


CREATED_VOLUME = build_record(ResourceKind.VOLUME)
CREATED_PORT = build_record(ResourceKind.PORT, address="10.0.0.1")
FREE_VOLUME, FREE_PORT = build_volume(), build_port()
SERVER_GROUP = ResourceRecord(
    key=build_server_group_key("shop"),
    phase=ResourcePhase.CREATED,
    cloud_id="server_group-1",
    operation_id="op",
)
CLOUD_SERVER_GROUP = CloudServerGroup(id="server_group-1", name="")
CREATION: Order = build_order(CreateCluster)
LONE_SOURCE = build_wanted(0)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the table: what is different from an instance whose creation is under way with nothing wrong."""

    subject: str
    known: str
    volume: ResourceRecord | None = CREATED_VOLUME
    port: ResourceRecord | None = CREATED_PORT
    server: ResourceRecord | None = None
    action: ResourceRecord | None = None
    cloud_volume: CloudVolume | None = FREE_VOLUME
    cloud_port: CloudPort | None = FREE_PORT
    cloud_server: CloudServer | None = None
    attachment: VolumeAttachment | None = None
    actions: tuple[ServerAction, ...] = ()
    message: str = ""
    order: Order | None = CREATION
    retries: int = 0
    is_cancelled: bool = False
    is_absent: bool = False
    is_complete: bool = True
    signal: SignalEntry | None = None
    wanted: WantedCluster = LONE_SOURCE
    group: bool = True
    rules: int = 2
    server_group: ResourceRecord | None = SERVER_GROUP
    has_cloud_server_group: bool = True

    def decide(self) -> tuple[str, ...]:
        """Return what the plan decides, a line for each step."""
        return tuple(str(step) for step in plan_round(self.build_view()).steps)

    def build_view(self) -> ClusterView:
        records = [
            *self._list_group_records(),
            self.server_group,
            self.volume,
            self.port,
            self.server,
            self.action,
        ]
        by_key = {record.key: record for record in records if record is not None}
        observed = CloudObservation(
            servers={} if self.cloud_server is None else {self.cloud_server.id: self.cloud_server},
            volumes={} if self.cloud_volume is None else {"volume-1": self.cloud_volume},
            ports={} if self.cloud_port is None else {"port-1": self.cloud_port},
            groups=self._build_groups(),
            server_groups={"server_group-1": CLOUD_SERVER_GROUP} if self.has_cloud_server_group else {},
            attachments=() if self.attachment is None else (self.attachment,),
            is_complete=self.is_complete,
        )
        gone = {"server-1": None, "volume-1": None, "port-1": None}
        marked = {build_key(ResourceKind.VOLUME): ("volume-1",)} if self.cloud_volume else {}
        marked |= {build_key(ResourceKind.PORT): ("port-1",)} if self.cloud_port else {}
        marked |= {build_key(ResourceKind.SERVER): ("server-1",)} if self.cloud_server else {}
        return ClusterView(
            store_id=STORE,
            cluster_id=CLUSTER_ID,
            wanted=self.wanted,
            records=by_key,
            observed=observed,
            marked=marked,
            lookups=CloudLookups(
                servers={} if self.cloud_server else {"server-1": gone["server-1"]},
                volumes={} if self.cloud_volume else {"volume-1": gone["volume-1"]},
                ports={} if self.cloud_port else {"port-1": gone["port-1"]},
                actions={"server-1": self.actions},
                messages={"volume-1": (CloudMessage(self.message, "req-1"),) if self.message else ()},
            ),
            absences=dict.fromkeys(by_key, ABSENT) if self.is_absent else {},
            signals=() if self.signal is None else (self.signal,),
            running=self._build_running(),
            now=NOW,
        )

    def _build_running(self) -> QueuedOperation | None:
        if self.order is None:
            return None
        operation = Operation(
            id="op",
            request_id="r",
            cluster="shop",
            kind=self.order.kind,
            state=OperationState.RUNNING,
            sequence=1,
            accepted_at=NOW,
            started_at=NOW,
        )
        return QueuedOperation(
            operation=operation,
            order=self.order,
            number=OPERATION_NUMBER,
            is_cancelled=self.is_cancelled,
            retries=self.retries,
        )

    def _build_groups(self) -> dict[str, CloudGroup]:
        if not self.group:
            return {}
        rules = sorted(self.wanted.groups.get(DATABASE_GROUP, ()), key=lambda rule: rule.key)[: self.rules]
        listed = {f"rule-{number}": rule for number, rule in enumerate(rules)}
        return {"group-1": CloudGroup(id="group-1", name="", rules=listed)}

    def _list_group_records(self) -> list[ResourceRecord]:
        if not self.group:
            return []
        created: dict[str, Any] = {"phase": ResourcePhase.CREATED, "operation_id": "op"}
        rules = sorted(self.wanted.groups.get(DATABASE_GROUP, ()), key=lambda rule: rule.key)[: self.rules]
        return [
            ResourceRecord(key=build_group_key("shop", DATABASE_GROUP), cloud_id="group-1", **created),
            *(
                ResourceRecord(
                    key=build_rule_key("shop", DATABASE_GROUP, rule), cloud_id=f"rule-{number}", **created
                )
                for number, rule in enumerate(rules)
            ),
        ]
