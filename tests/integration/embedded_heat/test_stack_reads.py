"""Reads of a stack: which are unsafe, and what a template and a name return."""

from __future__ import annotations

import pytest

from guestagent.embedded import Serving
from tests.support.cfn_cluster_stack import build_template
from tests.support.heat_requests import HeatRequests

# openstacksdk warns of itself at every connect and request; the class above its warnings is private.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


@pytest.mark.parametrize(
    ("path", "description"),
    [
        ("", "stack show with outputs resolved"),
        ("/resources?with_detail=true", "resource list with details"),
        ("/outputs/Address", "output show"),
        ("/resources/Master0000", "resource show Master0000"),
        ("/resources/Master0000/metadata", "metadata of Master0000"),
    ],
)
def test_a_read_that_would_endanger_a_real_stack_is_reported(
    cloud: Serving, heat: HeatRequests, path: str, description: str
) -> None:
    heat.create("prod", build_template())
    heat.wait_for_resource("prod", "Master0000ReadyWaitCond", "CREATE_IN_PROGRESS")

    heat.get("prod", path)

    [read] = cloud.dangerous_reads
    assert (read["stack"], read["status"], read["read"]) == ("prod", "CREATE_IN_PROGRESS", description)
    endpoint = {"service_type": "embedded"}
    reads = heat.connection.session.get("/dangerous-reads", endpoint_filter=endpoint).json()
    assert reads == {"dangerous_reads": cloud.dangerous_reads}


@pytest.mark.parametrize(
    "path", ["?resolve_outputs=false", "/resources?type=WaitCondition", "/template", "/events"]
)
def test_harmless_reads_are_not_reported(cloud: Serving, heat: HeatRequests, path: str) -> None:
    heat.create("prod", build_template())

    heat.get("prod", path)
    heat.find_stack("prod")

    assert cloud.dangerous_reads == []


def test_the_template_is_given_back_as_it_was_sent(heat: HeatRequests) -> None:
    heat.create("prod", build_template())

    assert heat.get("prod", "/template") == build_template()


def test_a_name_leads_to_the_stack_by_a_redirect(heat: HeatRequests) -> None:
    stack_id = heat.create("prod", build_template())

    stack = heat.connection.orchestration.find_stack("prod", resolve_outputs=False)

    assert stack is not None
    assert stack.id == stack_id
