"""What NATIVES asks of a cloud, against the real services. The cases are those of the embedded cloud."""

from __future__ import annotations

from collections.abc import Iterator

import openstack
import pytest

from guestagent.embedded.real_cloud import RealCloud
from guestagent.errors import CloudUnreachable
from guestagent.resources.natives.openstack_project import OpenStackProject
from tests.support.project_contract.cases import CASES, ProjectCase
from tests.support.project_contract.tested_project import TestedProject
from tests.support.real_cloud import RealCloudOperator

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def project(real_cloud: RealCloud) -> Iterator[OpenStackProject]:
    with openstack.connect(**real_cloud.connect) as connection:
        yield OpenStackProject(connection)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_on_the_real_services(case: ProjectCase, real_cloud: RealCloud, project: OpenStackProject) -> None:
    case(TestedProject(project, RealCloudOperator(real_cloud)))


def test_a_list_that_fails_is_no_observation(real_cloud: RealCloud, project: OpenStackProject) -> None:
    real_cloud.kill("cinder")
    try:
        with pytest.raises(CloudUnreachable):
            project.observe()
    finally:
        real_cloud.restart("cinder")
