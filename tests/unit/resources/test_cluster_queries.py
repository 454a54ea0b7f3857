"""What is asked of clusters is answered from the store and by the engines that own them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from guestagent.errors import CloudRefused, CloudRequestRefused, CloudUnreachable, OrderRefused, Problem
from guestagent.resources.engine_selection import EngineSelection, select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.orders import Clean, CreateCluster, RenewInstance
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.records import ClusterChange
from guestagent.resources.views import AuditFinding, ClusterSummary, FindingKind, PreflightFinding
from tests.support.orders import build_order
from tests.unit.resources.clusters import FakeEngine

CREATE = build_order(CreateCluster, description={"replicas": 1})
QUESTIONS: dict[str, Callable[[OrderIntake], object]] = {
    "instances": lambda intake: intake.instances("shop"),
    "security_groups": lambda intake: intake.security_groups("shop"),
    "owner": lambda intake: intake.owner("shop"),
    "preflight": lambda intake: intake.preflight(replace(CREATE, cluster="other")),
    "audit": lambda intake: intake.audit(),
}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def natives() -> FakeEngine:
    return FakeEngine("natives")


@pytest.fixture
def orchestrator() -> FakeEngine:
    return FakeEngine("orchestrator")


@pytest.fixture
def intake(store: MemoryStore, natives: FakeEngine, orchestrator: FakeEngine) -> OrderIntake:
    engines = {"natives": natives, "orchestrator": orchestrator}
    return OrderIntake(store, EngineSelection("migration", engines, "orchestrator"))


def refuse(ask: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(OrderRefused) as caught:
        ask()
    return str(caught.value.code), caught.value.message


def test_a_list_of_clusters_shows_what_runs_and_how_much_waits(
    store: MemoryStore, intake: OrderIntake
) -> None:
    creation = intake.submit(CREATE)
    intake.submit(build_order(RenewInstance, instance="Master0000"))
    lease = store.claim("worker")
    assert lease is not None
    running = replace(creation, state=OperationState.RUNNING)
    lease.write(ClusterChange(operations=(running,), attention="look", events=("made a port",)))

    (summary,) = intake.clusters()

    assert summary == ClusterSummary(
        name="shop", engine="orchestrator", running="create_cluster", waiting=1, attention="look"
    )
    assert [entry.text for entry in intake.events("shop")] == ["made a port"]


@pytest.mark.parametrize("question", ["instances", "security_groups"])
def test_a_cluster_that_is_not_there_is_not_found(intake: OrderIntake, question: str) -> None:
    assert refuse(lambda: QUESTIONS[question](intake)) == ("not_found", "there is no cluster shop")


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CloudUnreachable("no answer"), "cloud_unreachable"),
        (CloudRefused("not now"), "refused"),
        (CloudRequestRefused("listing /servers: no", RefusalCode.FORBIDDEN), "forbidden"),
    ],
    ids=["no answer", "refused", "forbidden"],
)
def test_an_error_of_the_cloud_is_a_refusal(
    intake: OrderIntake, orchestrator: FakeEngine, question: str, error: Exception, code: str
) -> None:
    intake.submit(CREATE)
    orchestrator.reader_error = error

    assert refuse(lambda: QUESTIONS[question](intake)) == (code, str(error))


def test_credentials_that_keystone_rejects_are_forbidden(
    intake: OrderIntake, orchestrator: FakeEngine
) -> None:
    class UnauthorizedError(Exception):
        http_status = 401

    orchestrator.reader_error = CloudRefused("listing /servers: 401")
    orchestrator.reader_error.__cause__ = UnauthorizedError()

    assert refuse(intake.audit)[0] == "forbidden"


@pytest.mark.parametrize("question", sorted(QUESTIONS.keys() - {"owner", "audit"}))
def test_an_engine_that_shows_nothing_says_so(store: MemoryStore, question: str) -> None:
    class SilentEngine:
        """The working half of an engine."""

        def __init__(self) -> None:
            engine = FakeEngine()
            self.name, self.orders = engine.name, engine.orders
            self.apply_order, self.advance = engine.apply_order, engine.advance

    intake = OrderIntake(store, select_engine(SilentEngine()))
    intake.submit(CREATE)

    assert refuse(lambda: QUESTIONS[question](intake)) == ("unsupported", "engine fake shows no resources")


def test_the_owner_is_in_the_store_and_in_the_cloud(intake: OrderIntake, orchestrator: FakeEngine) -> None:
    intake.submit(CREATE)
    orchestrator.evidence = ("stack shop",)

    owner = intake.owner("shop")

    assert owner.engine == "orchestrator"
    assert owner.evidence == ("the store has it as a cluster of orchestrator", "stack shop")


def test_a_cluster_that_only_the_cloud_has_is_found_by_its_marks(
    intake: OrderIntake, natives: FakeEngine
) -> None:
    natives.evidence = ("server 7 has its mark",)

    assert intake.owner("shop").engine == "natives"


def test_a_cluster_of_nobody_has_an_unknown_owner(intake: OrderIntake) -> None:
    code, message = refuse(lambda: intake.owner("shop"))

    assert code == "unknown_owner"
    assert "not in the store" in message


def test_two_owners_are_refused_with_the_evidence_of_both(intake: OrderIntake, natives: FakeEngine) -> None:
    intake.submit(CREATE)
    natives.evidence = ("server 7 has its mark",)

    code, message = refuse(lambda: intake.owner("shop"))

    assert code == "two_owners"
    assert "natives: server 7 has its mark; orchestrator: the store has it" in message


def test_preflight_names_every_problem_of_the_order_itself(
    intake: OrderIntake, orchestrator: FakeEngine
) -> None:
    orchestrator.problems = (PreflightFinding(RefusalCode.QUOTA, "too many"),)
    intake.submit(CREATE)

    assert [each.code for each in intake.preflight(CREATE)] == [RefusalCode.EXISTS]
    assert intake.preflight(replace(CREATE, cluster="other")) == orchestrator.problems


def test_preflight_tells_which_value_of_the_order_is_invalid(
    intake: OrderIntake, orchestrator: FakeEngine
) -> None:
    problem = Problem("description.replicas", "a number", "many")
    orchestrator.refusal = OrderRefused("invalid", "not this one", [problem])

    findings = intake.preflight(CREATE)

    assert [(each.path, each.message) for each in findings] == [("description.replicas", str(problem))]


def test_an_audit_asks_every_engine(
    intake: OrderIntake, natives: FakeEngine, orchestrator: FakeEngine
) -> None:
    server = AuditFinding(id="natives-1", kind=FindingKind.ORPHAN, resource="server", cloud_id="7")
    stack = AuditFinding(id="orchestrator-1", kind=FindingKind.MISSING, resource="stack", cloud_id="8")
    natives.findings, orchestrator.findings = (server,), (stack,)

    assert intake.audit() == [stack, server]


def test_a_name_is_taken_while_the_remains_of_an_old_cluster_are_cleaned(intake: OrderIntake) -> None:
    intake.submit(build_order(Clean, findings=("natives-0123456789abcdef",)))

    code, message = refuse(lambda: intake.submit(CREATE))

    assert code == "busy"
    assert "remains of an earlier cluster shop are being cleaned" in message


def test_who_has_made_the_findings_cleans_a_cluster_that_is_not_there(
    store: MemoryStore, intake: OrderIntake
) -> None:
    operation = intake.submit(build_order(Clean, findings=("natives-0123456789abcdef",)))

    snapshot = store.read("shop")
    assert operation.kind == "clean"
    assert snapshot is not None
    assert snapshot.cluster.engine == "natives"
