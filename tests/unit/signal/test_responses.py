from __future__ import annotations

import pytest

from guestagent.errors import HandleRefused, HandleUnreachable, SignalError
from guestagent.signal.handle import CfnTarget, HeatTarget, TokenTarget, resolve_target
from guestagent.signal.responses import (
    HandleBroken,
    HandleDoubted,
    classify_login_response,
    classify_response,
    classify_rest_response,
)
from tests.support.signal_handles import (
    SIGNATURE,
    add_minutes,
    build_account_handle,
    build_cfn_handle,
    build_token_handle,
)


def build_cfn_target() -> CfnTarget:
    target = resolve_target(build_cfn_handle())
    assert isinstance(target, CfnTarget)
    return target


def build_heat_target() -> HeatTarget:
    target = resolve_target(build_account_handle())
    assert isinstance(target, HeatTarget)
    return target


def build_token_target() -> TokenTarget:
    target = resolve_target(build_token_handle())
    assert isinstance(target, TokenTarget)
    return target


def classify_to_error(status: int, text: str = "", minutes: float = 1) -> SignalError:
    """The error that an answer means."""
    with pytest.raises(SignalError) as raised:
        classify_response(status, text, build_cfn_target(), add_minutes(minutes))
    return raised.value


@pytest.mark.parametrize(
    "text",
    [
        "<resource>Master0000ReadyWaitCondHandle</resource>",
        "<?xml version='1.0'?>\n<resource>Handle</resource>\n",
        '{"resource": "Handle"}',
    ],
)
def test_heats_own_word_is_an_acceptance(text: str) -> None:
    classify_response(200, text, build_cfn_target(), add_minutes(1))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "<html>Please log in</html>",
        "<html><resource>Handle</resource></html>",
        "<html><head><resource-hint></head></html>",
        '<script>load({"resource": "login"})</script>',
        '{"resource": "login", "retry": true}',
        "<resource>Handle",
    ],
)
def test_any_other_200_comes_from_another_service(text: str) -> None:
    assert type(classify_to_error(200, text)) is HandleUnreachable


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (204, HandleUnreachable),
        (302, HandleUnreachable),
        (400, HandleRefused),
        (401, HandleDoubted),
        (403, HandleDoubted),
        (404, HandleRefused),
        (407, HandleUnreachable),
        (410, HandleRefused),
        (413, HandleRefused),
        (418, HandleDoubted),
        (429, HandleUnreachable),
        (500, HandleBroken),
        (503, HandleBroken),
    ],
)
def test_every_status_has_its_class(status: int, kind: type[SignalError]) -> None:
    error = classify_to_error(status)

    assert type(error) is kind
    assert str(status) in str(error)
    assert SIGNATURE not in str(error)


def test_a_body_that_heat_does_not_understand_is_not_sent_again() -> None:
    error = classify_to_error(500, "<Message>ValueError: resources.H: Metadata format invalid</Message>")

    assert type(error) is HandleRefused


def test_a_403_is_reported_with_all_four_causes_and_the_age() -> None:
    messages = str(classify_to_error(403, minutes=17))

    for reading in ("expired (signed 17 minutes ago", "altered", "stack is gone", "another Host"):
        assert reading in messages


def test_a_url_from_the_future_points_at_the_clock() -> None:
    assert "signed 30 minutes in the future: is this machine's clock right?" in str(
        classify_to_error(403, minutes=-30)
    )


def test_rest_returns_null_alone() -> None:
    classify_rest_response(200, "null", build_heat_target())
    classify_rest_response(200, "null\n", build_token_target())


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (200, "", HandleUnreachable),
        (200, "<html>Please log in</html>", HandleUnreachable),
        (204, "", HandleUnreachable),
        (302, "", HandleUnreachable),
        (400, "", HandleRefused),
        (401, "", HandleDoubted),
        (403, "", HandleDoubted),
        (404, "", HandleRefused),
        (407, "", HandleUnreachable),
        (409, "", HandleDoubted),
        (410, "", HandleRefused),
        (429, "", HandleUnreachable),
        (500, "", HandleBroken),
        (503, "", HandleBroken),
    ],
)
def test_every_status_of_rest_has_its_class(status: int, text: str, kind: type[SignalError]) -> None:
    for target in (build_heat_target(), build_token_target()):
        with pytest.raises(SignalError) as raised:
            classify_rest_response(status, text, target)

        assert type(raised.value) is kind
        assert f"heat.test:8004 {'redirects (302)' if status == 302 else f'returned {status}'}" in str(
            raised.value
        )


def test_a_rejected_token_is_reported_with_the_causes_of_its_kind() -> None:
    messages = []
    for target in (build_token_target(), build_heat_target()):
        with pytest.raises(HandleDoubted) as raised:
            classify_rest_response(401, "", target)
        messages.append(str(raised.value))

    assert "the token has expired, or the handle or its stack is gone" in messages[0]
    assert "does not accept Keystone's token, or the handle or its stack is gone" in messages[1]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, HandleUnreachable),
        (302, HandleUnreachable),
        (400, HandleDoubted),
        (401, HandleDoubted),
        (404, HandleDoubted),
        (429, HandleUnreachable),
        (500, HandleBroken),
        (503, HandleBroken),
    ],
)
def test_every_status_of_keystone_has_its_class(status: int, kind: type[SignalError]) -> None:
    with pytest.raises(SignalError) as raised:
        classify_login_response(status, build_heat_target())

    assert type(raised.value) is kind
    assert str(raised.value).startswith("keystone.test:5000 ")


def test_a_token_that_keystone_gives_is_an_acceptance() -> None:
    classify_login_response(201, build_heat_target())
