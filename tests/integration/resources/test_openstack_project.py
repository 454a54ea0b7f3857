"""What NATIVES asks of a cloud, against the embedded one: every request, its answer and its refusals."""

from __future__ import annotations

from collections.abc import Iterator

import openstack
import pytest

from guestagent.embedded import Serving, serving
from guestagent.embedded.http.faults import FaultMode
from guestagent.errors import CloudUnreachable
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.natives.requests import CreateGroup
from tests.support.embedded_operator import EmbeddedOperator
from tests.support.project_contract.cases import CASES, ProjectCase
from tests.support.project_contract.tested_project import TestedProject


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def project(served: Serving) -> Iterator[OpenStackProject]:
    with openstack.connect(**served.connect) as connection:
        yield OpenStackProject(connection)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_on_the_embedded_cloud(case: ProjectCase, served: Serving, project: OpenStackProject) -> None:
    case(TestedProject(project, EmbeddedOperator(served)))


@pytest.mark.parametrize("mode", ["500", "503", "lost"])
def test_without_an_answer_the_effect_is_unknown(
    served: Serving, project: OpenStackProject, mode: FaultMode
) -> None:
    served.fault("neutron", mode, method="POST", times=1)

    with pytest.raises(CloudUnreachable):
        project.send(CreateGroup(name=f"unknown-{mode}", description=""))

    names = [group.name for group in project.observe().groups.values()]
    assert names.count(f"unknown-{mode}") == (1 if mode == "lost" else 0)


def test_a_list_that_fails_is_no_observation(served: Serving, project: OpenStackProject) -> None:
    served.fault("nova", "503", method="GET", times=1)

    with pytest.raises(CloudUnreachable):
        project.observe()
