"""Which requests make a real Heat write while it reads."""

from __future__ import annotations

import pytest

from guestagent.embedded.real_heat.unsafe_requests import UnsafeRequest, find_unsafe_request

STACK = "/v1/p/stacks/prod/1b2c"


@pytest.mark.parametrize(
    ("target", "what"),
    [
        (STACK, "stack show with outputs resolved"),
        (f"{STACK}?resolve_outputs=true", "stack show with outputs resolved"),
        (f"{STACK}/outputs/Address", "output show"),
        (f"{STACK}/resources?with_detail=True", "resource list with details"),
        (f"{STACK}/resources/Slave0000", "resource show Slave0000"),
        (f"{STACK}/resources/a%20name/metadata", "metadata of a name"),
    ],
)
def test_a_read_that_resolves_is_dangerous(target: str, what: str) -> None:
    assert find_unsafe_request("GET", target) == UnsafeRequest("prod", what)


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/v1/p/stacks",
        "/v1/p/stacks?name=prod&name=test",
        "/v1/p/stacks/detail",
        "/v1/p/stacks/prod",  # answered with the way to the stack's whole name
        f"{STACK}?resolve_outputs=false",
        f"{STACK}?resolve_outputs=False",
        f"{STACK}/resources?type=WaitCondition",
        f"{STACK}/template",
        f"{STACK}/events",
        f"{STACK}/outputs",
    ],
)
def test_lists_templates_and_events_are_safe(target: str) -> None:
    assert find_unsafe_request("GET", target) is None


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH"])
def test_a_change_is_no_read(method: str) -> None:
    assert find_unsafe_request(method, STACK) is None
