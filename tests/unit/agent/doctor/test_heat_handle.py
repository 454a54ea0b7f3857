"""Why was I not heard?"""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from guestagent.agent.doctor.heat_handle import check_handle
from guestagent.errors import HandleUnreachable
from guestagent.metadata.document import Document, Section, UnresolvedFunction
from guestagent.signal import Spool, SpoolEntry
from guestagent.signal.http_client import HttpResponse
from tests.support.doctor_probes import (
    NOW,
    build_failing_probe,
    build_probes,
    build_settings,
    get_finding,
    list_grades,
)
from tests.support.signal_handles import (
    SIGNATURE,
    build_account_handle,
    build_cfn_handle,
    build_failure,
    build_success,
)

DOCUMENT = Document(build_cfn_handle(), section=Section(node="Master0000"))


def test_a_reachable_handle_is_ok_but_has_no_signal_yet(tmp_path: Path) -> None:
    grades = list_grades(check_handle(DOCUMENT, build_settings(tmp_path), build_probes()))

    assert grades.pop("signal") == "warn"
    assert grades == dict.fromkeys(("transport", "expiry", "name", "TCP", "HTTP", "clock"), "ok")


def test_an_accepted_signal_is_ok(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "state")
    entry = SpoolEntry(DOCUMENT.handle, DOCUMENT.unique_id, build_success())
    spool.put_entry(entry)
    spool.mark_accepted(entry)

    assert list_grades(check_handle(DOCUMENT, build_settings(tmp_path), build_probes()))["signal"] == "ok"


def test_a_signal_that_was_given_up_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "state")
    entry = SpoolEntry(DOCUMENT.handle, DOCUMENT.unique_id, build_failure())
    spool.put_entry(entry)
    spool.mark_given_up(entry, "403 for 60 s")

    finding = get_finding("signal", check_handle(DOCUMENT, build_settings(tmp_path), build_probes()))

    assert (str(finding.grade), "403 for 60 s" in finding.actual) == ("fail", True)


@pytest.mark.parametrize(("minutes", "grade"), [(5, "ok"), (13.5, "warn"), (20, "fail")])
def test_an_expiry_is_reported_in_advance(minutes: float, grade: str, tmp_path: Path) -> None:
    later = build_probes(get_utc_now=lambda: NOW + timedelta(minutes=minutes - 1))

    assert list_grades(check_handle(DOCUMENT, build_settings(tmp_path), later))["expiry"] == grade


def test_no_port_is_checked_if_the_name_does_not_resolve(tmp_path: Path) -> None:
    nameless = build_probes(resolve_host=build_failing_probe(OSError(-2, "Name or service not known")))

    findings = list(check_handle(DOCUMENT, build_settings(tmp_path), nameless))

    assert get_finding("name", findings).actual == "heat.test does not resolve: Name or service not known"
    assert "TCP" not in list_grades(findings)


def test_a_closed_port_gives_advice(tmp_path: Path) -> None:
    shut = build_probes(check_port=build_failing_probe(ConnectionRefusedError(111, "Connection refused")))

    finding = get_finding("TCP", check_handle(DOCUMENT, build_settings(tmp_path), shut))

    assert finding.actual == "heat.test:8000: Connection refused"
    assert "security group" in finding.advice


def test_an_invalid_certificate_is_reported_with_the_senders_error(tmp_path: Path) -> None:
    strange = build_probes(
        request_root=build_failing_probe(HandleUnreachable("heat.test: its certificate does not hold"))
    )

    assert get_finding("HTTP", check_handle(DOCUMENT, build_settings(tmp_path), strange)).actual.endswith(
        "does not hold"
    )


@pytest.mark.parametrize(
    ("seconds", "actual"), [(3600, "3600 s behind Heat's"), (-90, "90 s ahead of Heat's")]
)
def test_a_wrong_clock_is_detected_by_the_response(seconds: int, actual: str, tmp_path: Path) -> None:
    heat_date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    off = build_probes(request_root=lambda url, host, ca: HttpResponse(300, "", date=heat_date))

    finding = get_finding("clock", check_handle(DOCUMENT, build_settings(tmp_path), off))

    assert (str(finding.grade), finding.actual) == ("warn", actual)


def test_a_heat_signal_needs_two_services(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer_request(url: str, host: str, ca: Path | None) -> HttpResponse:
        asked.append(url)
        return HttpResponse(300, "")

    list(
        check_handle(
            Document(build_account_handle()),
            build_settings(tmp_path),
            build_probes(request_root=answer_request),
        )
    )

    assert asked == ["http://heat.test:8004/", "http://keystone.test:5000/"]


def test_no_finding_contains_a_credential(tmp_path: Path) -> None:
    troubles = (
        build_probes(),
        build_probes(check_port=build_failing_probe(OSError("no"))),
        build_probes(request_root=build_failing_probe(HandleUnreachable("no"))),
    )
    documents = (DOCUMENT, Document(build_account_handle()))

    lines = [
        str(f) for d in documents for p in troubles for f in check_handle(d, build_settings(tmp_path), p)
    ]

    assert not [line for line in lines if SIGNATURE in line]


def test_a_handle_that_is_a_template_function_is_a_failure(tmp_path: Path) -> None:
    unresolved = Document(UnresolvedFunction("Handle", ""))

    assert (
        list_grades(check_handle(unresolved, build_settings(tmp_path), build_probes()))["transport"] == "fail"
    )
