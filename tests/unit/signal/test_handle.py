from __future__ import annotations

import pytest

from guestagent.errors import HandleRefused
from guestagent.metadata.document import Handle, Unresolved
from guestagent.secret import Secret
from guestagent.signal.handle import (
    Account,
    Bearer,
    Kind,
    Presigned,
    handle_url,
    key,
    kind,
    resource_key,
    target,
)
from tests.unit.signal.handles import (
    ANOTHER_KEY,
    HIDDEN,
    REST,
    SIGNED,
    URL,
    account,
    bearer,
    cfn,
    hot,
    minutes_later,
)


def presigned(url: str) -> Presigned:
    found = target(cfn(url))
    assert isinstance(found, Presigned)
    return found


def test_a_presigned_url_tells_its_host_and_its_age() -> None:
    found = presigned(URL)

    assert found.host == "heat.test:8000"
    assert found.signed == SIGNED
    assert found.age(minutes_later(2)) == 120


def test_a_handle_of_hot_holds_the_same_kind_of_url() -> None:
    assert target(hot(alarm_url=URL)) == target(cfn())


def test_a_url_without_a_timestamp_has_no_age() -> None:
    assert presigned("http://heat.test/?Timestamp=yesterday").age(SIGNED) is None


def test_credentials_in_a_url_are_no_part_of_the_host_that_is_shown() -> None:
    assert target(cfn("http://user:hidden@heat.test/")).host == "heat.test"


@pytest.mark.parametrize(
    ("document", "transport"),
    [
        ({"auth_url": "http://k", "queue_id": "q"}, "ZAQAR_SIGNAL"),
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


def test_a_token_and_its_endpoint_are_signalled_by_rest() -> None:
    assert target(bearer()) == Bearer(Secret(REST), "heat.test:8004", Secret(HIDDEN))
    assert kind(bearer()) is Kind.TOKEN


def test_an_account_logs_in_at_its_own_keystone() -> None:
    login = Secret("http://keystone.test:5000/v3/auth/tokens?nocatalog")
    keystone = "keystone.test:5000"

    assert target(account()) == Account(
        Secret(REST), "heat.test:8004", login, keystone, "u1", Secret(HIDDEN), "p1"
    )
    assert kind(account()) is Kind.HEAT


@pytest.mark.parametrize(
    ("auth_url", "login"),
    [
        ("http://k:5000", "http://k:5000/v3/auth/tokens?nocatalog"),
        ("http://k:5000/v3/", "http://k:5000/v3/auth/tokens?nocatalog"),
        ("https://k/identity/v2.0", "https://k/identity/v3/auth/tokens?nocatalog"),
    ],
)
def test_keystone_is_named_with_its_version_or_without(auth_url: str, login: str) -> None:
    found = target(account(auth_url=auth_url))

    assert isinstance(found, Account)
    assert found.login == Secret(login)


@pytest.mark.parametrize("name", ["alarm_url", "user_id", "password", "project_id"])
@pytest.mark.parametrize("value", [None, "", 7])
def test_an_account_that_lacks_something_is_refused_by_its_name(name: str, value: object) -> None:
    with pytest.raises(HandleRefused, match=f"has no {name}"):
        target(account(**{name: value}))


def test_a_token_handle_without_its_endpoint_is_refused() -> None:
    with pytest.raises(HandleRefused, match="has no endpoint"):
        target(hot(token=HIDDEN))


@pytest.mark.parametrize("token", ["two\r\nlines", "with blank", "größer"])
def test_a_token_that_no_header_takes_is_refused_without_quoting_it(token: str) -> None:
    with pytest.raises(HandleRefused) as raised:
        target(bearer(token))
    assert token not in str(raised.value)


def test_only_a_presigned_url_confirms() -> None:
    assert [each for each in Kind if each.confirms] == [Kind.CFN]


def test_an_unresolved_handle_is_refused_by_its_name() -> None:
    with pytest.raises(HandleRefused, match="<MasterHandle>"):
        target(Unresolved("MasterHandle", '{"Ref": "MasterHandle"}'))


def test_a_key_differs_by_handle_and_by_id_and_shows_neither() -> None:
    keys = {key(cfn(), "a-1"), key(cfn(), "a-2"), key(cfn(URL + "x"), "a-1"), key(hot(alarm_url=URL), "a-1")}

    assert len(keys) == 4
    assert all(len(name) == 32 and HIDDEN not in name for name in keys)


@pytest.mark.parametrize(
    ("handle", "renewed"),
    [
        (cfn(), cfn(ANOTHER_KEY)),
        (hot(alarm_url=URL), hot(alarm_url=ANOTHER_KEY)),
        (account(), account(password="another", user_id="u2")),
        (bearer(), bearer("another-token")),
    ],
)
def test_a_handle_is_the_same_resource_whatever_its_credentials(handle: Handle, renewed: Handle) -> None:
    names = {resource_key(handle, "a-1"), resource_key(renewed, "a-1")}

    assert key(handle, "a-1") != key(renewed, "a-1")
    assert len(names) == 1
    assert resource_key(handle, "a-2") not in names


def test_handles_of_two_generations_are_two_resources() -> None:
    assert resource_key(cfn(), "a") != resource_key(cfn(URL.replace("Handle?", "Handle2?")), "a")


def test_a_target_shows_no_signature() -> None:
    for handle in (cfn(), bearer(), account()):
        assert HIDDEN not in repr(target(handle))
    assert handle_url(cfn()) == Secret(URL)
