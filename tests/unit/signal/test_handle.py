from __future__ import annotations

import pytest

from guestagent.errors import HandleRefused
from guestagent.metadata.document import Handle, UnresolvedFunction
from guestagent.secret import Secret
from guestagent.signal.handle import (
    CfnTarget,
    HeatTarget,
    SignalTransport,
    TokenTarget,
    build_resource_key,
    build_signal_key,
    find_handle_url,
    find_transport,
    resolve_target,
)
from tests.support.signal_handles import (
    ANOTHER_KEY,
    REST,
    SIGNATURE,
    SIGNED_AT,
    URL,
    add_minutes,
    build_account_handle,
    build_cfn_handle,
    build_hot_handle,
    build_token_handle,
)


def build_cfn_target(url: str) -> CfnTarget:
    target = resolve_target(build_cfn_handle(url))
    assert isinstance(target, CfnTarget)
    return target


def test_a_presigned_url_contains_its_host_and_its_age() -> None:
    target = build_cfn_target(URL)

    assert target.host == "heat.test:8000"
    assert target.signed_at == SIGNED_AT
    assert target.get_age(add_minutes(2)) == 120


def test_a_handle_of_hot_holds_the_same_kind_of_url() -> None:
    assert resolve_target(build_hot_handle(alarm_url=URL)) == resolve_target(build_cfn_handle())


def test_a_url_without_a_timestamp_has_no_age() -> None:
    assert build_cfn_target("http://heat.test/?Timestamp=yesterday").get_age(SIGNED_AT) is None


def test_credentials_in_a_url_are_no_part_of_the_host_that_is_shown() -> None:
    assert resolve_target(build_cfn_handle("http://user:hidden@heat.test/")).host == "heat.test"


@pytest.mark.parametrize(
    ("document", "transport"),
    [
        ({"auth_url": "http://k", "queue_id": "q"}, "ZAQAR_SIGNAL"),
        ({"alarm_url": "http://swift/v1/x?temp_url_sig=s&temp_url_expires=1"}, "TEMP_URL_SIGNAL"),
        ({}, "NO_SIGNAL"),
    ],
)
def test_a_transport_of_the_next_version_is_named(document: dict[str, object], transport: str) -> None:
    with pytest.raises(HandleRefused, match=f"transport {transport}: .* CFN_SIGNAL"):
        resolve_target(build_hot_handle(**document))


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
    with pytest.raises(HandleRefused, match="has no http"):
        resolve_target(build_cfn_handle(url))
    assert find_handle_url(build_cfn_handle(url)) is None


def test_a_token_and_its_endpoint_are_signalled_by_rest() -> None:
    assert resolve_target(build_token_handle()) == TokenTarget(
        Secret(REST), "heat.test:8004", Secret(SIGNATURE)
    )
    assert find_transport(build_token_handle()) is SignalTransport.TOKEN


def test_an_account_logs_in_at_its_own_keystone() -> None:
    login = Secret("http://keystone.test:5000/v3/auth/tokens?nocatalog")
    keystone = "keystone.test:5000"

    assert resolve_target(build_account_handle()) == HeatTarget(
        Secret(REST), "heat.test:8004", login, keystone, "u1", Secret(SIGNATURE), "p1"
    )
    assert find_transport(build_account_handle()) is SignalTransport.HEAT


@pytest.mark.parametrize(
    ("auth_url", "login"),
    [
        ("http://k:5000", "http://k:5000/v3/auth/tokens?nocatalog"),
        ("http://k:5000/v3/", "http://k:5000/v3/auth/tokens?nocatalog"),
        ("https://k/identity/v2.0", "https://k/identity/v3/auth/tokens?nocatalog"),
    ],
)
def test_keystone_is_named_with_its_version_or_without(auth_url: str, login: str) -> None:
    target = resolve_target(build_account_handle(auth_url=auth_url))

    assert isinstance(target, HeatTarget)
    assert target.login_url == Secret(login)


@pytest.mark.parametrize("name", ["alarm_url", "user_id", "password", "project_id"])
@pytest.mark.parametrize("value", [None, "", 7])
def test_an_account_that_lacks_something_is_refused_by_its_name(name: str, value: object) -> None:
    with pytest.raises(HandleRefused, match=f"has no {name}"):
        resolve_target(build_account_handle(**{name: value}))


def test_a_token_handle_without_its_endpoint_is_refused() -> None:
    with pytest.raises(HandleRefused, match="has no endpoint"):
        resolve_target(build_hot_handle(token=SIGNATURE))


@pytest.mark.parametrize("token", ["two\r\nlines", "with blank", "größer"])
def test_a_token_that_no_header_takes_is_refused_without_quoting_it(token: str) -> None:
    with pytest.raises(HandleRefused) as raised:
        resolve_target(build_token_handle(token))
    assert token not in str(raised.value)


def test_only_a_presigned_url_confirms() -> None:
    assert [each for each in SignalTransport if each.has_confirmation] == [SignalTransport.CFN]


def test_an_unresolved_handle_is_refused_by_its_name() -> None:
    with pytest.raises(HandleRefused, match="<MasterHandle>"):
        resolve_target(UnresolvedFunction("MasterHandle", '{"Ref": "MasterHandle"}'))


def test_a_key_differs_by_handle_and_by_id_and_shows_neither() -> None:
    keys = {
        build_signal_key(build_cfn_handle(), "a-1"),
        build_signal_key(build_cfn_handle(), "a-2"),
        build_signal_key(build_cfn_handle(URL + "x"), "a-1"),
        build_signal_key(build_hot_handle(alarm_url=URL), "a-1"),
    }

    assert len(keys) == 4
    assert all(len(name) == 32 and SIGNATURE not in name for name in keys)


@pytest.mark.parametrize(
    ("handle", "renewed"),
    [
        (build_cfn_handle(), build_cfn_handle(ANOTHER_KEY)),
        (build_hot_handle(alarm_url=URL), build_hot_handle(alarm_url=ANOTHER_KEY)),
        (build_account_handle(), build_account_handle(password="another", user_id="u2")),
        (build_token_handle(), build_token_handle("another-token")),
    ],
)
def test_a_handle_is_the_same_resource_whatever_its_credentials(handle: Handle, renewed: Handle) -> None:
    names = {build_resource_key(handle, "a-1"), build_resource_key(renewed, "a-1")}

    assert build_signal_key(handle, "a-1") != build_signal_key(renewed, "a-1")
    assert len(names) == 1
    assert build_resource_key(handle, "a-2") not in names


def test_handles_of_two_generations_are_two_resources() -> None:
    assert build_resource_key(build_cfn_handle(), "a") != build_resource_key(
        build_cfn_handle(URL.replace("Handle?", "Handle2?")), "a"
    )


def test_a_target_shows_no_signature() -> None:
    for handle in (build_cfn_handle(), build_token_handle(), build_account_handle()):
        assert SIGNATURE not in repr(resolve_target(handle))
    assert find_handle_url(build_cfn_handle()) == Secret(URL)
