"""Files that people write: the agent's configuration, cluster.yaml, passwords, and documents in the format of 2013."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from guestagent.agent import settings
from guestagent.agent.settings import ServiceSettings, Settings
from guestagent.cli.password_file import read_password_file
from guestagent.controller import Cluster, Dialect, Node, Passwords
from guestagent.controller.cluster_file import ClusterFile, parse_cluster_file
from guestagent.controller.foreign_template import adopt_template
from guestagent.metadata import CfnHandle, Document, Tls, documents, parse
from guestagent.secret import Secret
from tests.unit.golden.clusters import build_everything
from tests.unit.golden.documents import USERS

SETTINGS = Settings(
    state_folder=Path("/srv/guestagent"),
    run_folder=Path("/srv/run"),
    interval=45.5,
    database_socket=Path("/srv/mysql.sock"),
    database_timeout=7.5,
    option_file=Path("/srv/90-guestagent.cnf"),
    memory_mb=2048,
    service=ServiceSettings(
        unit="mysql@node",
        start=("start-server", "--quietly"),
        stop=("stop-server",),
        restart=("restart server", "now"),
        log=("show-log",),
    ),
    collector_cache=Path("/srv/collector"),
    collector_config=Path("/srv/os-collect-config.conf"),
    ca_file=Path("/srv/ca.pem"),
    signal_timeout=12.5,
    auth_ttl=1800.0,
)
DEFAULTS = Settings(
    state_folder=Path("/var/lib/guestagent"),
    run_folder=Path("/run/guestagent"),
    interval=30.0,
    database_socket=Path("/run/mysqld/mysqld.sock"),
    database_timeout=5.0,
    option_file=None,
    memory_mb=None,
    service=ServiceSettings(),
    collector_cache=Path("/var/lib/os-collect-config"),
    collector_config=Path("/etc/os-collect-config.conf"),
    ca_file=None,
    signal_timeout=20.0,
    auth_ttl=900.0,
)

LARGE = Node(flavor="m1.large", image="guestagent-mariadb")
FULL_DESCRIPTION = ClusterFile(build_everything(Dialect.CFN), "prod", Dialect.CFN, "passwords.yaml")
SHORT_DESCRIPTION = ClusterFile(
    Cluster.new(
        source=LARGE,
        replicas=[LARGE, LARGE],
        network="network-1",
        passwords=Passwords.PARAMETERS,
        tls=Tls(verify=False),
    )
)
DESCRIPTION_WITHOUT_TLS = ClusterFile(
    Cluster.new(source=LARGE, dialect=Dialect.HOT, tls=Tls(required=False)), None, Dialect.HOT
)
PASSWORDS = {"Master0000": Secret("first"), "Slave0000": Secret("s3cret"), "Slave0001": Secret("an0ther")}
ADOPTED_CLUSTER = Cluster.new(
    source=Node(flavor="reallyfastandlotsofram", image="trove-mysql"),
    replicas=[Node(flavor="kindofawesome", image="trove-mysql")],
    dialect=Dialect.CFN,
)
DOCUMENT_OF_2013 = Document(
    CfnHandle(Secret("http://heat.example:8000/v1/waitcondition/x?Signature=y")), USERS
)


def read_settings(file: Path, folder: Path) -> Settings:
    return settings.load_settings(file)


def read_cluster(file: Path, folder: Path) -> ClusterFile:
    return parse_cluster_file(file.read_text(encoding="utf-8"), str(file))


def read_passwords(file: Path, folder: Path) -> dict[str, Secret]:
    """Read a copy that only its owner can read, as the product demands. Git does not keep such a mode."""
    hidden = folder / file.name
    shutil.copyfile(file, hidden)
    hidden.chmod(0o600)
    return read_password_file(hidden)


def read_template(file: Path, folder: Path) -> Cluster:
    """Read the cluster that `convert` makes of somebody else's template."""
    return adopt_template(yaml.safe_load(file.read_text(encoding="utf-8"))).cluster


def read_document(file: Path, folder: Path) -> Document:
    ((_, document),) = documents(file.read_text(encoding="utf-8"))
    return parse(document)


INPUT_FILES = {
    "people/guestagent.conf": (read_settings, SETTINGS),
    "people/guestagent-empty.conf": (read_settings, DEFAULTS),
    "people/cluster.yaml": (read_cluster, FULL_DESCRIPTION),
    "people/cluster-in-short.yaml": (read_cluster, SHORT_DESCRIPTION),
    "people/cluster-in-clear.yaml": (read_cluster, DESCRIPTION_WITHOUT_TLS),
    "people/passwords.yaml": (read_passwords, PASSWORDS),
    "people/template-of-2013.yaml": (read_template, ADOPTED_CLUSTER),
    "people/document-of-2013.json": (read_document, DOCUMENT_OF_2013),
    "people/resource-cfn.yaml": (read_document, DOCUMENT_OF_2013),
    "people/resource-hot.yaml": (read_document, DOCUMENT_OF_2013),
    "people/resource-hot-property.yaml": (read_document, DOCUMENT_OF_2013),
}
"""How to read each file, and the value that it must have in every later version."""
