"""Clusters that together use every option, as templates in both dialects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from guestagent.controller import Cluster, Dialect, Node, Passwords, StackVolume, parse, render
from guestagent.controller.client_networks import approach_client_networks
from guestagent.controller.seed import SeedSettings, SourceSize
from guestagent.controller.seed_preparation import end_seeds
from guestagent.metadata import Tls
from tests.support.cluster_strategies import forget_seeds, with_inline_rules
from tests.unit.golden.documents import CA
from tests.unit.golden.stored_file import StoredFile

LARGE = Node(flavor="m1.large", image="guestagent-mariadb")
SMALL = Node(flavor="m1.small", image="guestagent-mariadb")


def build_cluster(dialect: Dialect, replicas: int, **options: Any) -> Cluster:
    return Cluster.new(source=LARGE, replicas=[SMALL] * replicas, dialect=dialect, **options)


def build_everything(dialect: Dialect) -> Cluster:
    """Build a cluster with every option that does not exclude another one."""
    url = {"metadata_url": "http://heat.example:8000/v1/"} if dialect is Dialect.CFN else {}
    return build_cluster(
        dialect,
        2,
        subnet="subnet-1",
        key_pair="operators",
        client_networks=("10.1.0.0/16", "10.2.0.0/16"),
        replica_network="10.0.0.0/24",
        deadline=120,
        boot_allowance=240,
        auth_ttl=1800,
        polling_interval=15,
        passwords=Passwords.PARAMETERS,
        tls=Tls(ca=CA),
        variables={"max_connections": 200, "binlog_row_image": "FULL", "event_scheduler": True},
        **url,
    )


def build_old(dialect: Dialect) -> Cluster:
    """Build a cluster after some changes: replicas were added, removed, resized, and given new passwords."""
    cluster = build_cluster(dialect, 2, subnet="subnet-1").remove_replica("Slave0000")
    cluster = forget_seeds(cluster.add_replica(LARGE))
    return cluster.resize("Slave0001", "m1.medium").renew("Slave0001").rotate("Slave0001").end_rotation()


def build_joining(dialect: Dialect) -> Cluster:
    """Build a cluster that two replicas join, one of which has joined already."""
    seeding = SeedSettings("backup", 50)
    cluster = build_cluster(dialect, 0, subnet="subnet-1", seeding=seeding, verification="verifier")
    size = SourceSize(1 << 30, 5 << 30)
    cluster = end_seeds(cluster.add_replica(SMALL, size), ["Slave0000"]).add_replica(SMALL, size)
    return replace(cluster, donor_certificate=CA)


def build_reseeding(dialect: Dialect) -> Cluster:
    """Build a cluster with a replica whose data are replaced; its signals are for a long time."""
    cluster = build_everything(dialect)
    size = SourceSize(20 << 30)
    return cluster.reseed("Slave0001", size, discard=True)


def list_clusters() -> Iterator[tuple[str, Cluster]]:
    """Return every case by its name."""
    for dialect in Dialect:
        in_clear, unverified = Tls(required=False), Tls(verify=False)
        signed = Tls(ca=CA, verify=False)
        cases = {
            "source-alone": build_cluster(dialect, 0),
            "one-replica": build_cluster(dialect, 1, subnet="subnet-1"),
            "everything": build_everything(dialect),
            "network-in-clear": build_cluster(dialect, 1, network="network-1", tls=in_clear),
            "unverified": build_cluster(dialect, 1, network="network-1", tls=unverified),
            "signed": build_cluster(dialect, 1, network="network-1", tls=signed),
            "old": build_old(dialect),
            "rotating": build_cluster(dialect, 2, subnet="subnet-1").rotate("Slave0001"),
            "rotating-parameters": build_everything(dialect).rotate(),
            "joining": build_joining(dialect),
            "reseeding": build_reseeding(dialect),
        }
        if dialect is Dialect.HOT:
            cases |= build_hot_cases()
        yield from ((f"{name}.{dialect.value}", cluster) for name, cluster in cases.items())


def list_old_cases() -> dict[str, Cluster]:
    """Return the cases with client networks that 0.1 has written in HOT."""
    everything = build_everything(Dialect.HOT)
    return {"everything": everything, "rotating-parameters": everything.rotate()}


def build_hot_cases() -> dict[str, Cluster]:
    """Build the clusters that only HOT has: with data volumes, and with rules in the group, as of 0.1, and after it."""
    volumes = [StackVolume(20, "ssd"), StackVolume(40, is_kept=False)]
    source, replica = [replace(LARGE, volume=volume) for volume in volumes]
    networks = {"network": "network-1", "client_networks": ("10.1.0.0/16", "10.2.0.0/16")}
    inline = with_inline_rules(build_cluster(Dialect.HOT, 1, **networks))
    return {
        "volumes": Cluster.new(source=source, replicas=[replica], network="network-1"),
        "inline-rules": inline,
        "leaving-a-group": approach_client_networks(inline, ["10.2.0.0/16", "10.3.0.0/16"]),
    }


def write_template(folder: Path, cluster: Cluster) -> None:
    text = yaml.safe_dump(render(cluster), sort_keys=False)
    (folder / "template.yaml").write_text(text, encoding="utf-8")


def read_template(folder: Path) -> Cluster:
    return parse(yaml.safe_load((folder / "template.yaml").read_text(encoding="utf-8")))


def template_file(cluster: Cluster) -> StoredFile:
    return StoredFile("template.yaml", lambda folder: write_template(folder, cluster), read_template, cluster)


def list_templates() -> Iterator[tuple[str, StoredFile]]:
    for name, cluster in list_clusters():
        yield f"templates/{name}.yaml", template_file(cluster)
