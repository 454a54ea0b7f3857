"""Why was I not heard?"""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from guestagent.agent.doctor.handle import handle_findings
from guestagent.errors import HandleUnreachable
from guestagent.metadata.document import Document, Section, Unresolved
from guestagent.signal import Entry, Spool
from guestagent.signal.web import Answer
from tests.unit.agent.doctor.surroundings import NOW, graded, of, probes, raises, settings
from tests.unit.signal.handles import HIDDEN, account, cfn, failure, success

DOCUMENT = Document(cfn(), section=Section(node="Master0000"))


def test_a_handle_that_hears_is_all_ok_but_for_what_is_still_to_be_said(tmp_path: Path) -> None:
    found = graded(handle_findings(DOCUMENT, settings(tmp_path), probes()))

    assert found.pop("signal") == "warn"
    assert found == dict.fromkeys(("transport", "expiry", "name", "TCP", "HTTP", "clock"), "ok")


def test_what_was_accepted_is_ok(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "state")
    said = Entry(DOCUMENT.handle, DOCUMENT.unique_id, success())
    spool.put(said)
    spool.accept(said)

    assert graded(handle_findings(DOCUMENT, settings(tmp_path), probes()))["signal"] == "ok"


def test_what_was_given_up_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "state")
    said = Entry(DOCUMENT.handle, DOCUMENT.unique_id, failure())
    spool.put(said)
    spool.give_up(said, "403 for 60 s")

    found = of("signal", handle_findings(DOCUMENT, settings(tmp_path), probes()))

    assert (str(found.grade), "403 for 60 s" in found.seen) == ("fail", True)


@pytest.mark.parametrize(("minutes", "grade"), [(5, "ok"), (13.5, "warn"), (20, "fail")])
def test_an_expiry_is_seen_in_advance(minutes: float, grade: str, tmp_path: Path) -> None:
    later = probes(today=lambda: NOW + timedelta(minutes=minutes - 1))

    assert graded(handle_findings(DOCUMENT, settings(tmp_path), later))["expiry"] == grade


def test_a_name_that_does_not_resolve_ends_the_way(tmp_path: Path) -> None:
    nameless = probes(resolved=raises(OSError(-2, "Name or service not known")))

    found = list(handle_findings(DOCUMENT, settings(tmp_path), nameless))

    assert of("name", found).seen == "heat.test does not resolve: Name or service not known"
    assert "TCP" not in graded(found)


def test_a_port_that_is_shut_says_where_to_look(tmp_path: Path) -> None:
    shut = probes(connected=raises(ConnectionRefusedError(111, "Connection refused")))

    found = of("TCP", handle_findings(DOCUMENT, settings(tmp_path), shut))

    assert found.seen == "heat.test:8000: Connection refused"
    assert "security group" in found.do


def test_a_certificate_that_does_not_hold_is_told_in_the_senders_words(tmp_path: Path) -> None:
    strange = probes(greeted=raises(HandleUnreachable("heat.test: its certificate does not hold")))

    assert of("HTTP", handle_findings(DOCUMENT, settings(tmp_path), strange)).seen.endswith("does not hold")


@pytest.mark.parametrize(("seconds", "seen"), [(3600, "3600 s behind Heat's"), (-90, "90 s ahead of Heat's")])
def test_a_clock_that_is_off_is_seen_by_the_answer(seconds: int, seen: str, tmp_path: Path) -> None:
    theirs = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    off = probes(greeted=lambda url, host, ca: Answer(300, "", date=theirs))

    found = of("clock", handle_findings(DOCUMENT, settings(tmp_path), off))

    assert (str(found.grade), found.seen) == ("warn", seen)


def test_a_heat_signal_needs_two_services(tmp_path: Path) -> None:
    asked: list[str] = []

    def greeted(url: str, host: str, ca: Path | None) -> Answer:
        asked.append(url)
        return Answer(300, "")

    list(handle_findings(Document(account()), settings(tmp_path), probes(greeted=greeted)))

    assert asked == ["http://heat.test:8004/", "http://keystone.test:5000/"]


def test_no_credential_stands_in_any_line(tmp_path: Path) -> None:
    troubles = (
        probes(),
        probes(connected=raises(OSError("no"))),
        probes(greeted=raises(HandleUnreachable("no"))),
    )
    documents = (DOCUMENT, Document(account()))

    said = [str(f) for d in documents for p in troubles for f in handle_findings(d, settings(tmp_path), p)]

    assert not [line for line in said if HIDDEN in line]


def test_a_handle_that_is_a_template_function_is_a_failure(tmp_path: Path) -> None:
    unresolved = Document(Unresolved("Handle", ""))

    assert graded(handle_findings(unresolved, settings(tmp_path), probes()))["transport"] == "fail"
