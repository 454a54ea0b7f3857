"""Every operation that a service offers is performed through RPC, whatever its engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.resources.orders import Clean
from tests.every_operation.run import run_every_operation

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def left_out(request: pytest.FixtureRequest) -> frozenset[str]:
    """What takes longer than the settle time has its turn with --all."""
    return frozenset() if request.config.getoption("--all") else frozenset({Clean.kind})


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param("natives", marks=pytest.mark.patient),
        pytest.param("orchestrator", marks=pytest.mark.patient),
        "migration",  # which gives its orders to both
    ],
)
def test_every_operation_leaves_the_project_as_it_was(
    engine: str, left_out: frozenset[str], tmp_path: Path
) -> None:
    performed = run_every_operation(engine, tmp_path, print, left_out)

    assert {"create_cluster", "resize_volume", "update_rule_cidr", "delete_cluster"} <= {*performed}
