"""TLS of a whole cluster: as it is written, rendered and read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guestagent.controller import Dialect, lint, parse, render
from guestagent.controller.cluster_file import parse_cluster_file
from guestagent.errors import InvalidCluster
from guestagent.metadata import Tls
from guestagent.metadata import parse as parsed
from guestagent.secret import Secret
from tests.support.cluster_strategies import CA, build_cluster


def list_documents(template: dict[str, Any]) -> list[dict[str, Any]]:
    resources = template.get("Resources") or template["resources"]
    all_metadata = (each.get("Metadata") or each.get("metadata") or {} for each in resources.values())
    return [each for each in all_metadata if "ReadyWaitCondition" in each]


@pytest.mark.parametrize("dialect", list(Dialect))
def test_every_node_has_the_same_tls_and_the_ca_is_written_once(dialect: Dialect) -> None:
    cluster = build_cluster(2, dialect=dialect, subnet="s", tls=Tls(ca=CA, verify=False))

    template = render(cluster)

    assert str(template).count("BEGIN CERTIFICATE") == 1
    output = [document["GuestAgent"]["TLS"] for document in list_documents(template)]
    assert len(output) == 3
    assert all(each == output[0] for each in output)
    section = parsed(list_documents(template)[0]).section
    assert section.tls is not None
    assert str(section.tls.ca) == "<Authority.value>"
    assert not section.tls.verify
    assert lint(template) == ()
    assert parse(template) == cluster


@pytest.mark.parametrize(
    ("text", "tls"),
    [
        ("tls: {}", Tls()),
        ("tls: {required: false}", Tls(required=False)),
        ("tls: {ca: ca.pem}", Tls(ca=CA)),
        ("tls: {ca: ca.pem, verify: false}", Tls(ca=CA, verify=False)),
        ("tls:\n  ca: |\n    " + CA.replace("\n", "\n    "), Tls(ca=CA)),
    ],
)
def test_a_file_configures_the_encryption_of_channels(text: str, tls: Tls, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(CA)

    cluster_file = parse_cluster_file(f"flavor: f\nimage: i\n{text}\n", str(tmp_path / "prod.yaml"))

    assert cluster_file.cluster.tls == tls


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tls: {ca: missing.pem}", "tls.ca: expected certificates in PEM, or a file that holds them, found "),
        ("tls: {ca: ca.txt}", "tls.ca: expected certificates in PEM, found another string"),
        ("tls: {verify: true}", "tls.ca: expected a CA if verify is true, found nothing"),
        ("tls: {required: false, ca: ca.pem}", "tls.required: expected nothing beside it"),
        ("tls: {cas: x}", "tls.cas: expected one of ca, required, verify, found an unknown key"),
        ("tls: on", "tls: expected a mapping"),
    ],
)
def test_what_makes_no_sense_is_reported(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(CA)
    (tmp_path / "ca.txt").write_text("nothing of the kind")

    with pytest.raises(InvalidCluster) as error:
        parse_cluster_file(f"flavor: f\nimage: i\n{text}\n", str(tmp_path / "prod.yaml"))

    assert problem in str(error.value)


def test_a_cluster_takes_no_key_for_every_node_to_read() -> None:
    with pytest.raises(InvalidCluster, match="no certificates of the nodes' own"):
        build_cluster(1, tls=Tls(certificate=CA, key=Secret("k")))
