"""Clusters that together use every option, as templates in both dialects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from guestagent.controller import Cluster, Dialect, Node, Passwords, parse, render
from guestagent.metadata import Tls
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
    cluster = build_cluster(dialect, 2, subnet="subnet-1").remove_replica("Slave0000").add_replica(LARGE)
    return cluster.resize("Slave0001", "m1.medium").renew("Slave0001").rotate("Slave0001").end_rotation()


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
        }
        yield from ((f"{name}.{dialect.value}", cluster) for name, cluster in cases.items())


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
