"""A handle's URL that cannot be one: the fault is named, and the URL is not shown."""

from __future__ import annotations

import pytest

from guestagent.errors import InvalidMetadata
from guestagent.metadata import parse
from guestagent.metadata.url_fault import find_url_fault
from tests.support.raw_documents import SLAVE, build_source

FAULTS = [
    ("http://[fe80::zz]:8000/v1/secret", "brackets around something that is no IPv6 address"),
    ("http://[1:2]:8000/v1/secret", "brackets around something that is no IPv6 address"),
    ("http://[fe80::1%eth0]:8000/v1/secret", "an IPv6 address that has a zone"),
    ("http://[2001:db8::1:8000/v1/secret", "an IPv6 address whose bracket is not closed"),
    ("http://[2001:db8::1]8000/v1/secret", "something between the IPv6 address and the port"),
    ("http://2001:db8::1:8000/v1/secret", "an IPv6 address that is not in brackets"),
    ("http://user:secret@heat:8000/v1", "a user name"),
    ("http://he*at:8000/v1/secret", "a host name that cannot exist"),
    ("http:///v1/secret", "a URL without a host"),
    ("http://heat:8000/v1/secret key", "a blank"),
    ("http://heat:8000#secret", "a fragment"),
    ("ftp://heat:8000/v1/secret", "another scheme"),
]


def list_problems(handle: object) -> str:
    with pytest.raises(InvalidMetadata) as refused:
        parse(build_source(SLAVE) | {"ReadyWaitCondition": handle})
    return str(refused.value)


@pytest.mark.parametrize(("url", "fault"), FAULTS)
def test_the_fault_of_a_handles_url_is_named(url: str, fault: str) -> None:
    output = list_problems(url)

    assert fault in output
    assert "handle's own name" not in output
    assert "secret" not in output


@pytest.mark.parametrize(("url", "fault"), FAULTS)
def test_it_is_named_in_the_document_of_a_handle_too(url: str, fault: str) -> None:
    output = list_problems({"alarm_url": url})

    assert fault in output
    assert "secret" not in output


@pytest.mark.parametrize("url", ["http://[2001:db8::1]:8000/v1", "http://[::1]", "https://heat/v1?a=b"])
def test_a_url_has_no_fault(url: str) -> None:
    assert not find_url_fault(url)
