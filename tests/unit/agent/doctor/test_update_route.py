"""Does newer metadata reach the node?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from keystoneclient.contrib.ec2.utils import Ec2Signer  # type: ignore[import-untyped]

from guestagent.agent.doctor import Finding
from guestagent.agent.doctor.metadata_request import build_metadata_request
from guestagent.agent.doctor.update_route import check_update_route
from guestagent.agent.metadata_files import CollectedDocument, store_document
from guestagent.errors import HandleUnreachable
from guestagent.signal.http_client import HttpResponse
from tests.support.doctor_probes import (
    NOW,
    build_failing_probe,
    build_probes,
    build_settings,
    get_finding,
    list_grades,
)

CFN = """\
[DEFAULT]
collectors = heat_local
collectors = cfn
[cfn]
metadata_url = http://heat.test:8000/v1/
stack_name = shop
path = Master0000.Metadata
access_key_id = 3f7a
secret_access_key = hid$$den
"""
HEAT = "[heat]\nauth_url = https://keystone.test/v3\npassword = hidden\n"
TEMP_URL = "[request]\nmetadata_url = https://swift.test/v1/x?temp_url_sig=hidden\n"
FAILED_LOG = """\
403 Client Error: Forbidden for url: http://heat.test:8000/v1/?Action=DescribeStackResource&Signature=hidden
Source [cfn] Unavailable.
Source [ec2] Unavailable.
"""


def check(folder: Path, text: str = CFN, **changes: Any) -> list[Finding]:
    (folder / "os-collect-config.conf").write_text(text)
    return list(check_update_route(build_settings(folder), build_probes(**changes)))


def answer(status: int) -> Any:
    return lambda request, ca_file: HttpResponse(status, "")


def age(seconds: float) -> Any:
    return lambda path: NOW.timestamp() - seconds


def test_a_collector_that_gets_its_metadata_is_ok(tmp_path: Path) -> None:
    findings = check(tmp_path)

    assert set(list_grades(findings).values()) == {"ok"}
    assert get_finding("cfn request", findings).actual == "heat.test:8000 returned 200 OK"
    assert get_finding("last document", findings).actual == "cfn got its last answer 0 s ago"


def test_a_rejected_request_is_a_failure_with_its_status(tmp_path: Path) -> None:
    finding = get_finding("cfn request", check(tmp_path, send_request=answer(403)))

    assert str(finding.grade) == "fail"
    assert finding.actual == "heat.test:8000 returned 403 Forbidden"
    assert "may be deleted or replaced" in finding.advice


@pytest.mark.parametrize(
    "changes",
    [
        {"send_request": build_failing_probe(HandleUnreachable("no answer in time"))},
        {"check_port": build_failing_probe(OSError(113, "No route to host"))},
        {"resolve_host": build_failing_probe(OSError(-2, "Name or service not known"))},
    ],
)
@pytest.mark.parametrize("text", [CFN, HEAT, TEMP_URL])
def test_a_server_that_does_not_answer_is_a_failure(
    text: str, changes: Mapping[str, Any], tmp_path: Path
) -> None:
    assert "fail" in list_grades(check(tmp_path, text, **changes)).values()


@pytest.mark.parametrize("text", [CFN, HEAT])
def test_an_old_answer_is_a_failure(text: str, tmp_path: Path) -> None:
    finding = get_finding("last document", check(tmp_path, text, get_modification_time=age(600)))

    assert (str(finding.grade), finding.actual.partition(" ")[2]) == (
        "fail",
        "got its last answer 10 min ago",
    )


def test_the_limit_follows_the_polling_interval(tmp_path: Path) -> None:
    text = CFN.replace("[DEFAULT]", "[DEFAULT]\npolling_interval = 300")

    assert list_grades(check(tmp_path, text, get_modification_time=age(600)))["last document"] == "ok"


def test_no_answer_so_far_is_a_warning(tmp_path: Path) -> None:
    findings = check(tmp_path, get_modification_time=build_failing_probe(FileNotFoundError()))

    assert list_grades(findings)["last document"] == "warn"


def test_an_error_in_the_log_is_shown_without_its_signature(tmp_path: Path) -> None:
    finding = get_finding("collector's log", check(tmp_path, read_collector_log=lambda seconds: FAILED_LOG))

    assert str(finding.grade) == "warn"
    assert finding.actual == (
        "in the last 3 min: cfn: 403 Client Error: Forbidden for url: http://heat.test:8000/v1/"
    )


def test_errors_of_the_program_are_shown_once(tmp_path: Path) -> None:
    log = "Command failed, will not cache new data. exit status 1\nAttributeError: no attribute\n" * 2

    findings = [
        f.actual
        for f in check(tmp_path, read_collector_log=lambda seconds: log)
        if f.name == "collector's log"
    ]

    assert [text.partition("min: ")[2].split()[0] for text in findings] == ["Command", "AttributeError:"]


def test_a_node_of_heat_that_reads_only_the_boot_copy_is_a_failure(tmp_path: Path) -> None:
    options = {"cfn": {"access_key_id": "3f7a", "metadata_url": "http://heat.test:8000/v1/"}}
    document = {"ReadyWaitCondition": "http://heat.test/", "os-collect-config": options}
    store_document(tmp_path / "state", CollectedDocument.from_document(document, tmp_path / "cfn.json"))

    finding = get_finding("collectors", check(tmp_path, "[DEFAULT]\ncollectors = heat_local\n"))

    assert str(finding.grade) == "fail"
    assert "only the metadata of its boot" in finding.actual


def test_a_node_without_a_collector_for_updates_is_a_warning(tmp_path: Path) -> None:
    assert list_grades(check(tmp_path, "[DEFAULT]\ncollectors = heat_local\n")) == {"collectors": "warn"}


def test_a_missing_configuration_is_a_warning(tmp_path: Path) -> None:
    findings = check_update_route(build_settings(tmp_path), build_probes())

    assert list_grades(findings) == {"collectors": "warn"}


@pytest.mark.parametrize("url", ["", "heat.test", "http://[::1/", "http://heat.test:port/"])
def test_an_unusable_url_is_a_failure(url: str, tmp_path: Path) -> None:
    text = CFN.replace("http://heat.test:8000/v1/", url)

    assert list_grades(check(tmp_path, text))["address"] == "fail"


@pytest.mark.parametrize("text", [CFN, HEAT, TEMP_URL])
def test_no_credential_is_shown(text: str, tmp_path: Path) -> None:
    shown = repr(check(tmp_path, text, send_request=answer(403))) + repr(
        [build_metadata_request(text, name, "") for name in ("cfn", "heat", "request")]
    )

    assert "hidden" not in shown
    assert "Signature=" not in shown


def test_the_request_is_signed_as_the_collector_signs_it() -> None:
    request = build_metadata_request(CFN, "cfn", "")

    assert request is not None
    url = urlsplit(request.request.url.reveal())
    params = {name: value for name, (value,) in parse_qs(url.query).items()}
    signature = params.pop("Signature")
    credentials = {"params": params, "verb": "GET", "host": url.netloc, "path": url.path}
    assert signature == Ec2Signer("hid$den").generate(credentials)
    assert (params["StackName"], params["LogicalResourceId"]) == ("shop", "Master0000")


def test_the_server_that_heat_has_named_stands_for_a_missing_url() -> None:
    text = CFN.replace("metadata_url = http://heat.test:8000/v1/\n", "")

    request = build_metadata_request(text, "cfn", "http://heat.test:8000")

    assert request is not None
    assert request.request.url.reveal().startswith("http://heat.test:8000/v1/?Action=")
