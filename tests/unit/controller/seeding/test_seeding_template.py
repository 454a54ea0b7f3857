"""The templates of clusters in which a replica joins: what the two nodes are told, in both formats."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from guestagent.controller import Cluster, Dialect, Passwords, lint, parse, render, stack_timeout_minutes
from guestagent.controller.seed import SeedSettings, SourceSize, compute_fingerprint
from guestagent.controller.seed_preparation import end_seeds
from guestagent.controller.template import list_parameters
from guestagent.errors import InvalidTemplate
from guestagent.metadata import Tls
from tests.support.cluster_strategies import CA, SMALL, build_cluster
from tests.support.seeding_clusters import (
    CERTIFICATE,
    GIB,
    build_joining_cluster,
    read_documents,
    render_resources,
)

pytestmark = pytest.mark.parametrize("dialect", Dialect)


def finish(cluster: Cluster) -> Cluster:
    """The cluster after its replicas have joined."""
    return replace(end_seeds(cluster, [node.name for node in cluster]), donor_certificate=None)


def test_source_and_replica_are_told_about_each_other(dialect: Dialect) -> None:
    documents = read_documents(build_joining_cluster(dialect, SourceSize(GIB, 5)))

    donor, seeding = documents["Master0000"].section.donor, documents["Slave0001"].section.seeding
    assert donor is not None
    assert seeding.donor is not None
    [replica] = donor.replicas
    assert (replica.node, replica.replication_user) == ("Slave0001", "slave0001")
    assert replica.user == seeding.donor.user
    assert replica.user.name == "slave0001_donor"
    assert donor.port == seeding.donor.port == 4444
    assert (seeding.data_bytes, seeding.log_bytes, seeding.deadline) == (GIB, 5, 300)


def test_the_fingerprint_is_of_the_certificate_that_the_source_presents(dialect: Dialect) -> None:
    documents = read_documents(build_joining_cluster(dialect))

    donor, seeding = documents["Master0000"].section.donor, documents["Slave0001"].section.seeding
    assert donor is not None
    assert seeding.donor is not None
    assert donor.certificate == CERTIFICATE.certificate
    assert seeding.donor.fingerprint == compute_fingerprint(CERTIFICATE.certificate)


def test_the_key_is_a_hidden_parameter_and_not_in_the_template(dialect: Dialect) -> None:
    cluster = build_joining_cluster(dialect)

    template = render(cluster)

    assert "PRIVATE KEY" not in json.dumps(template)
    parameters = template.get("parameters") or template.get("Parameters")
    assert parameters is not None
    assert list(parameters) == ["DonorKey"]
    assert {"hidden": True}.items() <= parameters["DonorKey"].items() or parameters["DonorKey"]["NoEcho"]
    assert parse(template).passwords is Passwords.HEAT


def test_with_a_ca_the_database_servers_own_certificate_is_presented(dialect: Dialect) -> None:
    cluster = build_joining_cluster(dialect, tls=Tls(ca=CA))

    documents = read_documents(cluster)

    donor, seeding = documents["Master0000"].section.donor, documents["Slave0001"].section.seeding
    assert donor is not None
    assert donor.certificate is None
    assert seeding.donor is not None
    assert seeding.donor.fingerprint is None
    assert list_parameters(cluster) == ()


def test_a_cluster_that_is_created_whole_has_no_donor(dialect: Dialect) -> None:
    text = json.dumps(render(build_cluster(2, dialect=dialect)))

    assert "Donor" not in text
    assert "Seeding" not in text


def test_a_cluster_that_replays_has_no_donor(dialect: Dialect) -> None:
    settings = SeedSettings("replay")
    cluster = build_cluster(1, dialect=dialect, seeding=settings).add_replica(SMALL)

    assert "Donor" not in json.dumps(render(cluster))
    assert parse(render(cluster)).seeding == settings


def test_only_the_port_between_the_nodes_is_opened_by_a_rule_of_its_own(dialect: Dialect) -> None:
    before, after = (
        render_resources(cluster)
        for cluster in (build_cluster(1, dialect=dialect), build_joining_cluster(dialect))
    )

    rule = after["DonorPortRule"].get("properties") or after["DonorPortRule"]["Properties"]
    assert (rule["port_range_min"], rule["port_range_max"], rule["protocol"]) == (4444, 4444, "tcp")
    assert "remote_ip_prefix" not in rule
    assert rule["remote_group"] in ({"get_resource": "Database"}, {"Ref": "Members"})
    assert before["Database"] == after["Database"]
    handles = after["Handles"].get("depends_on") or after["Handles"]["DependsOn"]
    assert "DonorPortRule" in handles


def test_nodes_with_ipv6_have_a_rule_for_it_too(dialect: Dialect) -> None:
    resources = render_resources(build_joining_cluster(dialect, ipv6=True))

    rule = resources["DonorPortRuleIPv6"].get("properties") or resources["DonorPortRuleIPv6"]["Properties"]
    assert rule["ethertype"] == "IPv6"


def test_after_the_seed_account_port_and_key_are_gone_and_the_timeout_stays(dialect: Dialect) -> None:
    joining = build_joining_cluster(dialect, SourceSize(GIB))

    joined = finish(joining)

    text = json.dumps(render(joined))
    assert "Donor" not in text
    assert parse(render(joined)) == joined
    condition = "Slave0001ReadyWaitCond"
    assert render_resources(joined)[condition] == render_resources(joining)[condition]
    handle = "Slave0001ReadyWaitCondHandle"
    assert render_resources(joined)[handle] == render_resources(joining)[handle]


def test_the_next_generation_of_a_replica_that_has_joined_has_the_usual_timeout(dialect: Dialect) -> None:
    cluster = finish(build_joining_cluster(dialect, SourceSize(GIB))).renew("Slave0001")

    assert cluster.get_condition_timeout(cluster.node("Slave0001")) == cluster.condition_timeout
    assert parse(render(cluster)) == cluster


def test_a_replica_that_failed_to_join_keeps_its_donor_in_the_next_generation(dialect: Dialect) -> None:
    cluster = build_joining_cluster(dialect, SourceSize(GIB)).renew("Slave0001")

    seeding = read_documents(cluster)["Slave0001"].section.seeding
    assert seeding.donor is not None
    assert seeding.deadline == 300


def test_a_removed_replica_leaves_the_donors_list(dialect: Dialect) -> None:
    cluster = build_joining_cluster(dialect).add_replica(SMALL).remove_replica("Slave0001")

    donor = read_documents(cluster)["Master0000"].section.donor

    assert donor is not None
    assert [replica.node for replica in donor.replicas] == ["Slave0002"]


def test_a_reseed_is_ordered_of_the_replica_with_a_password_of_its_own(dialect: Dialect) -> None:
    joined = finish(build_joining_cluster(dialect, SourceSize(GIB)))

    cluster = joined.reseed("Slave0001", SourceSize(2 * GIB), discard=True)

    assert parse(render(cluster)) == cluster
    documents = read_documents(cluster)
    seeding, donor = documents["Slave0001"].section.seeding, documents["Master0000"].section.donor
    assert (seeding.reseed, seeding.discard, seeding.data_bytes) == (True, True, 2 * GIB)
    assert donor is not None
    assert donor.replicas[0].user.password.reveal() == "Slave0001DonorPassword2"
    assert donor.replicas[0].user.name == "slave0001_donor2"  # the source knows that the first seed is over
    assert [documents[name].section.generation for name in ("Master0000", "Slave0001")] == [3, 2]


def test_all_nodes_know_the_account_for_comparisons(dialect: Dialect) -> None:
    cluster = build_cluster(1, dialect=dialect, verification="verifier")

    users = {document.section.verification for document in read_documents(cluster).values()}

    assert [user.name for user in users if user] == ["verifier"]
    assert parse(render(cluster)) == cluster


def test_passwords_that_are_parameters_are_hidden_ones(dialect: Dialect) -> None:
    cluster = build_joining_cluster(dialect, passwords=Passwords.PARAMETERS, verification="verifier")

    assert list_parameters(cluster)[-3:] == ("Slave0001DonorPassword", "VerificationPassword", "DonorKey")
    assert parse(render(cluster)) == cluster


def test_the_template_has_no_problem(dialect: Dialect) -> None:
    assert lint(render(build_joining_cluster(dialect, SourceSize(GIB), subnet="subnet-1"))) == ()


def test_the_stacks_timeout_has_room_for_the_seed(dialect: Dialect) -> None:
    joining = build_joining_cluster(dialect, SourceSize(GIB))

    assert stack_timeout_minutes(joining) == stack_timeout_minutes(finish(joining)) + 5


def test_another_fingerprint_in_the_template_is_a_difference(dialect: Dialect) -> None:
    template = json.dumps(render(build_joining_cluster(dialect)))
    fingerprint = compute_fingerprint(CERTIFICATE.certificate)

    with pytest.raises(InvalidTemplate, match="Fingerprint"):
        parse(json.loads(template.replace(fingerprint, "0" * 64)))


@pytest.mark.parametrize("other", Dialect)
def test_a_new_stack_of_the_cluster_has_no_donor(dialect: Dialect, other: Dialect) -> None:
    cluster = build_joining_cluster(dialect).in_dialect(other)

    assert "Donor" not in json.dumps(render(cluster))
