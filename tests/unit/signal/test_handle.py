from __future__ import annotations

import pytest

from guestagent.errors import HandleRefused
from guestagent.metadata.document import Unresolved
from guestagent.secret import Secret
from guestagent.signal.handle import handle_url, key, target
from tests.unit.signal.handles import HIDDEN, SIGNED, URL, cfn, hot, minutes_later


def test_a_presigned_url_tells_its_host_and_its_age() -> None:
    found = target(cfn())

    assert found.host == "heat.test:8000"
    assert found.signed == SIGNED
    assert found.age(minutes_later(2)) == 120


def test_a_handle_of_hot_holds_the_same_kind_of_url() -> None:
    assert target(hot(alarm_url=URL)) == target(cfn())


def test_a_url_without_a_timestamp_has_no_age() -> None:
    assert target(cfn("http://heat.test/?Timestamp=yesterday")).age(SIGNED) is None


def test_credentials_in_a_url_are_no_part_of_the_host_that_is_shown() -> None:
    assert target(cfn("http://user:hidden@heat.test/")).host == "heat.test"


@pytest.mark.parametrize(
    ("document", "transport"),
    [
        ({"auth_url": "http://k", "password": "p", "alarm_url": URL}, "HEAT_SIGNAL"),
        ({"auth_url": "http://k", "queue_id": "q"}, "ZAQAR_SIGNAL"),
        ({"token": "t", "endpoint": "http://h"}, "TOKEN_SIGNAL"),
        ({"alarm_url": "http://swift/v1/x?temp_url_sig=s&temp_url_expires=1"}, "TEMP_URL_SIGNAL"),
        ({}, "NO_SIGNAL"),
    ],
)
def test_a_transport_of_the_next_version_is_named(document: dict[str, object], transport: str) -> None:
    with pytest.raises(HandleRefused, match=f"wants {transport}, .* CFN_SIGNAL"):
        target(hot(**document))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "Master0000Handle",
        "ftp://heat.test/",
        "http://",
        "http://[::1",
        "http://h:99999/",
        "http://h/\nx",
        "http://h/ x",
    ],
)
def test_what_is_no_url_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(HandleRefused, match="holds no http"):
        target(cfn(url))
    assert handle_url(cfn(url)) is None


def test_an_unresolved_handle_is_refused_by_its_name() -> None:
    with pytest.raises(HandleRefused, match="<MasterHandle>"):
        target(Unresolved("MasterHandle", '{"Ref": "MasterHandle"}'))


def test_a_key_differs_by_handle_and_by_id_and_shows_neither() -> None:
    keys = {key(cfn(), "a-1"), key(cfn(), "a-2"), key(cfn(URL + "x"), "a-1"), key(hot(alarm_url=URL), "a-1")}

    assert len(keys) == 4
    assert all(len(name) == 32 and HIDDEN not in name for name in keys)


def test_a_target_shows_no_signature() -> None:
    assert HIDDEN not in repr(target(cfn()))
    assert handle_url(cfn()) == Secret(URL)
