"""The way of a replica's signal, whose seed may last longer than a signed URL is valid."""

from __future__ import annotations

import json

import pytest

from guestagent.controller import Cluster, Dialect, lint, parse, render
from guestagent.controller.seed import NodeSeed, SourceSize
from guestagent.controller.template import read_cluster
from guestagent.errors import InvalidTemplate
from tests.support.cluster_strategies import SMALL, build_cluster
from tests.support.seeding_clusters import GIB, build_joining_cluster, render_resources

LARGE_SIZE = SourceSize(100 * GIB)


def get_transport(cluster: Cluster, handle: str) -> str:
    transport: str = render_resources(cluster)[handle]["properties"]["signal_transport"]
    return transport


def test_a_long_seed_signals_with_a_login_that_does_not_expire() -> None:
    cluster = build_joining_cluster(size=LARGE_SIZE)

    assert get_transport(cluster, "Slave0001ReadyWaitCondHandle") == "HEAT_SIGNAL"
    assert render_resources(cluster)["Slave0001ReadyWaitCond"]["properties"]["timeout"] == 390 + 3930
    assert parse(render(cluster)) == cluster
    assert lint(render(cluster)) == ()


def test_the_other_nodes_keep_the_url_that_confirms_their_signal() -> None:
    cluster = build_joining_cluster(size=LARGE_SIZE)

    assert get_transport(cluster, "Slave0000ReadyWaitCondHandle") == "CFN_SIGNAL"
    assert get_transport(cluster, "Master0000ReadyWaitCondHandle2") == "CFN_SIGNAL"


def test_a_short_seed_keeps_the_url() -> None:
    assert get_transport(build_joining_cluster(), "Slave0001ReadyWaitCondHandle") == "CFN_SIGNAL"


def test_lint_advises_it_where_a_url_expires_too_early() -> None:
    template = json.dumps(render(build_joining_cluster(size=LARGE_SIZE)))

    [problem] = lint(json.loads(template.replace("HEAT_SIGNAL", "CFN_SIGNAL")))

    assert "OS::Heat::WaitConditionHandle with signal_transport: HEAT_SIGNAL" in problem.do


def test_in_cfn_a_longer_life_of_urls_admits_the_seed() -> None:
    cluster = build_cluster(1, dialect=Dialect.CFN, auth_ttl=7200, subnet="subnet-1")
    cluster = cluster.add_replica(SMALL, LARGE_SIZE)

    assert lint(render(cluster), 7200) == ()


def test_a_template_with_other_times_can_be_looked_at_and_not_changed() -> None:
    cluster = build_joining_cluster(Dialect.CFN, subnet="subnet-1")
    changed = json.dumps(render(cluster)).replace('"Deadline": 300', '"Deadline": 3000')

    assert read_cluster(json.loads(changed)).node("Slave0001").seed == NodeSeed(3000, 1)
    with pytest.raises(InvalidTemplate, match=r"Slave0001\.seed\.deadline: expected at most 509 s"):
        parse(json.loads(changed))
