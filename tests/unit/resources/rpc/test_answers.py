"""Requests are answered with documents, whatever comes, and the client reads them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestagent.errors import OrderRefused, Problem, ServiceUnreachable
from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.interface import ANSWER_LIMIT_BYTES, QUERIES, ResourceManager
from guestagent.resources.operation import Operation, OperationState, OrderRefusal, RefusalCode
from guestagent.resources.operation_document import dump_operation, format_time, load_operation, parse_time
from guestagent.resources.order_shapes import dump_order
from guestagent.resources.orders import CreateCluster, RenewInstance
from guestagent.resources.rpc.answers import (
    METHODS,
    QUESTIONS,
    answer_request,
    build_schema,
)
from guestagent.resources.rpc.client import ResourceClient
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.records import EventEntry
from guestagent.resources.view_documents import dump_view, load_view
from guestagent.resources.views import (
    AuditFinding,
    ClusterOwner,
    ClusterSummary,
    FindingKind,
    GroupView,
    InstanceState,
    InstanceView,
    PreflightFinding,
)
from tests.support.orders import build_order
from tests.unit.resources.clusters import CLIENTS, MEMBERS, FakeEngine

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=9), children, max_size=3)
    ),
    max_leaves=8,
)
FAILED = Operation(
    id="an-id",
    request_id="a-request",
    cluster="shop",
    kind="renew_instance",
    state=OperationState.FAILED,
    sequence=7,
    accepted_at=1_800_000_000.25,
    started_at=1_800_000_001.5,
    ended_at=1_800_000_002.0,
    attention="look",
    refusal=OrderRefusal(RefusalCode.QUOTA, "too many", (Problem("a", "b", "c", "d"),), "ref"),
    result={"server": "0f7b"},
)
INSTANCE = InstanceView(
    cluster="shop",
    name="Master0000",
    role="source",
    state=InstanceState.READY,
    addresses=("10.0.0.5",),
    volume_gib=10,
    guest_volume_gib=9.5,
    evidence={"read_only": False},
)
GROUP = GroupView(cluster="shop", name="database", wanted_rules=(CLIENTS, MEMBERS), rules=(CLIENTS,))
NO_VOLUMES = PreflightFinding(RefusalCode.QUOTA, "volumes: 2 needed, 1 left")
ORPHAN = AuditFinding(
    id="fake-0123456789abcdef",
    kind=FindingKind.ORPHAN,
    resource="server",
    cloud_id="0f7b",
    is_cleanable=True,
)


class LocalSender:
    """A sender without a broker. What goes through it is JSON, as on the wire."""

    def __init__(self, manager: ResourceManager) -> None:
        self.manager = manager

    def send(self, method: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = answer_request(self.manager, method, json.loads(json.dumps(request)))
        received: Mapping[str, Any] = json.loads(json.dumps(answer))
        return received


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    engine.instances, engine.groups = (INSTANCE,), (GROUP,)
    engine.problems, engine.findings = (NO_VOLUMES,), (ORPHAN,)
    return engine


@pytest.fixture
def intake(engine: FakeEngine) -> OrderIntake:
    return OrderIntake(MemoryStore(), select_engine(engine))


@pytest.fixture
def client(intake: OrderIntake) -> ResourceClient:
    return ResourceClient(LocalSender(intake))


def test_a_client_is_a_resource_manager(client: ResourceClient, intake: OrderIntake) -> None:
    order = build_order(CreateCluster, description={"replicas": 1})

    operation = client.submit(order)

    assert client.submit(order) == operation
    assert client.operation(operation.id) == operation
    assert client.operations("shop") == (operation,)
    assert client.wait(operation.id, 0, 0.0) == operation
    assert client.retry(operation.id).id == client.cancel(operation.id).id == operation.id
    assert client.capabilities() == intake.capabilities()
    assert client.events("shop") == ()
    assert client.clusters() == (ClusterSummary(name="shop", engine="fake", waiting=1),)
    assert client.instances("shop") == (INSTANCE,)
    assert client.security_groups("shop") == (GROUP,)
    assert client.owner("shop") == ClusterOwner("fake", ("the store has it as a cluster of fake",))
    assert client.preflight(replace(order, cluster="other")) == (NO_VOLUMES,)
    assert client.audit() == (ORPHAN,)


@pytest.mark.parametrize("view", [INSTANCE, GROUP, ORPHAN, NO_VOLUMES, EventEntry(1_800_000_000.25, "made")])
def test_a_view_is_read_as_it_was_written(view: Any) -> None:
    assert load_view(type(view), json.loads(json.dumps(dump_view(view)))) == view


def test_what_a_newer_service_adds_is_ignored() -> None:
    assert load_view(ClusterOwner, {"engine": "natives", "evidence": [], "since": 7}) == ClusterOwner(
        "natives", ()
    )


@pytest.mark.parametrize("document", [{}, {"engine": 7, "evidence": []}, {"engine": "x", "evidence": "y"}])
def test_an_answer_without_a_view_is_none_of_the_services(document: Mapping[str, Any]) -> None:
    class OtherSender:
        def send(self, method: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
            return {"owner": document}

    with pytest.raises(ServiceUnreachable, match="of another version"):
        ResourceClient(OtherSender()).owner("shop")


def test_a_long_list_comes_in_pages(engine: FakeEngine, client: ResourceClient, intake: OrderIntake) -> None:
    engine.findings = tuple(
        replace(ORPHAN, cloud_id=f"{number:05d}", text="x" * 900) for number in range(700)
    )

    findings = client.audit()

    assert findings == engine.findings
    page = answer_request(intake, "audit", {})
    assert len(json.dumps(page)) <= ANSWER_LIMIT_BYTES + 50
    assert 0 < len(page["findings"]) == page["next"] < 700


def test_an_element_that_is_longer_than_a_page_has_one_of_its_own(
    engine: FakeEngine, client: ResourceClient
) -> None:
    engine.instances = tuple(replace(INSTANCE, name=name, detail="x" * ANSWER_LIMIT_BYTES) for name in "ab")
    client.submit(build_order(CreateCluster, description={}))

    assert client.instances("shop") == engine.instances


def test_every_query_is_served() -> None:
    assert {*QUESTIONS} == {*QUERIES}


def test_a_refusal_reaches_the_caller_with_its_problems(client: ResourceClient) -> None:
    order = build_order(CreateCluster, cluster="Shop")

    with pytest.raises(OrderRefused) as caught:
        client.submit(order)

    assert caught.value.code == "invalid"
    assert [problem.path for problem in caught.value.problems] == ["cluster"]


@pytest.mark.parametrize("operation", [FAILED, replace(FAILED, refusal=None, ended_at=None)])
def test_an_operation_is_read_as_it_was_written(operation: Operation) -> None:
    assert load_operation(json.loads(json.dumps(dump_operation(operation)))) == operation


def test_times_are_in_utc() -> None:
    assert format_time(1_800_000_000.25) == "2027-01-15T08:00:00.250000Z"
    assert parse_time("2027-01-15T08:00:00.250000Z") == 1_800_000_000.25


def test_a_code_of_a_newer_service_is_a_version(client: ResourceClient) -> None:
    class NewerSender:
        def send(self, method: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
            return {"refusal": {"code": "moon", "message": "the moon is full"}}

    with pytest.raises(OrderRefused) as caught:
        ResourceClient(NewerSender()).capabilities()

    assert (caught.value.code, str(caught.value)) == ("version", "the moon is full")


@pytest.mark.parametrize("answer", [{}, {"other": 1}, {"operation": {}}, {"operation": []}, {"operation": 7}])
def test_an_answer_that_is_none_is_no_operation(answer: Mapping[str, Any]) -> None:
    class OtherSender:
        def send(self, method: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
            return answer

    with pytest.raises(ServiceUnreachable):
        ResourceClient(OtherSender()).operation("an-id")


def test_a_bug_is_answered_with_a_reference_and_nothing_of_the_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class BrokenManager(OrderIntake):
        def operation(self, operation_id: str) -> Operation:
            raise ZeroDivisionError

    broken = BrokenManager(MemoryStore(), select_engine(FakeEngine()))

    with caplog.at_level(logging.ERROR):
        answer = answer_request(broken, "operation", {"operation": "hidden"})

    assert answer["refusal"]["code"] == "broken"
    assert answer["refusal"]["reference"] in caplog.text
    assert "hidden" not in caplog.text


def test_an_unknown_key_is_a_problem(intake: OrderIntake) -> None:
    answer = answer_request(intake, "operation", {"operation": "an-id", "verbose": True})

    assert [problem["path"] for problem in answer["refusal"]["problems"]] == ["verbose"]


@pytest.mark.parametrize("request_document", [{"operation": "x" * 300_000}, {"operation": [[[[]]]] * 9}])
def test_a_large_or_deep_request_is_invalid(intake: OrderIntake, request_document: object) -> None:
    deep: object = []
    for _ in range(50):
        deep = [deep]

    assert answer_request(intake, "operation", request_document)["refusal"]["code"] == "invalid"
    assert answer_request(intake, "operation", deep)["refusal"]["code"] == "invalid"


@given(st.sampled_from(METHODS), JSON_VALUES)
def test_any_request_gets_an_answer(method: str, request: object) -> None:
    intake = OrderIntake(MemoryStore(), select_engine(FakeEngine()))

    answer = answer_request(intake, method, request)

    json.dumps(answer)
    assert answer.get("refusal", {}).get("code") != "broken"


def test_the_schema_has_every_method() -> None:
    schema = build_schema()

    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$defs"].keys() == {*METHODS}
    order = build_order(RenewInstance, instance="Slave0000")
    jsonschema.validate(dump_order(order), {"$defs": schema["$defs"], "$ref": "#/$defs/renew_instance"})
    for name in QUESTIONS:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"other": 1}, {"$defs": schema["$defs"], "$ref": f"#/$defs/{name}"})
