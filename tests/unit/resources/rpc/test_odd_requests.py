"""Requests that no client of ours sends get an answer, too, and a short one."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.rpc.answers import PROBLEM_LIMIT, answer_call, answer_request
from guestagent.resources.store.memory_store import MemoryStore
from tests.unit.resources.clusters import FakeEngine


@pytest.fixture
def intake() -> OrderIntake:
    return OrderIntake(MemoryStore(), select_engine(FakeEngine()))


@pytest.mark.parametrize("arguments", [{}, {"request": {}, "other": 1}, {"self": 1}, {"": None}])
def test_a_call_with_other_arguments_gets_an_answer(
    intake: OrderIntake, arguments: Mapping[str, object]
) -> None:
    answer = answer_call(intake, "capabilities", arguments)

    assert [problem["path"] for problem in answer["refusal"]["problems"]] == ["arguments"]


def test_an_answer_has_a_hundred_problems_at_most_each_of_one_line(intake: OrderIntake) -> None:
    request = {f"{number}{'x' * 1000}": 1 for number in range(200)}

    answer = answer_request(intake, "capabilities", request)

    problems = answer["refusal"]["problems"]
    assert len(problems) == PROBLEM_LIMIT + 1
    assert problems[-1]["found"] == "100 more"
    assert max(len(problem["path"]) for problem in problems) < 300


def test_a_preflight_needs_no_request_id(intake: OrderIntake) -> None:
    request = {"cluster": "shop", "description": {"replicas": 1}}

    assert "findings" in answer_request(intake, "preflight", request)
