"""The condition `configuration`: how far the server's configuration is as desired. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from guestagent.agent.model import Condition, ConditionState
from guestagent.agent.server_config.change_state import ChangeState
from guestagent.agent.server_config.plan import ConfigurationSnapshot
from guestagent.agent.server_config.settings import Activation, ServerSetting
from guestagent.agent.server_config.transitions import START_RETRY_LIMIT_S
from guestagent.metadata.document import Section

CONDITION_NAME = "configuration"


def judge_configuration(snapshot: ConfigurationSnapshot) -> Condition:
    """Judge the configuration by its worst fault."""
    return (
        _judge_refusal(snapshot)
        or _judge_unknown_settings(snapshot)
        or _judge_failed_settings(snapshot)
        or _judge_pending_settings(snapshot)
        or _judge_success(snapshot)
    )


def judge_unmanaged_host(section: Section) -> Condition | None:
    """Judge Variables on a machine without an option file of the agent's; None if the document asks for none."""
    if not section.variables:
        return None
    expected = f"the variables {', '.join(sorted(section.variables))}"
    advice = "use an image with one of guestagent's elements, or set [database] option_file in its settings"
    return _build_final(expected, "a machine without an option file of the agent's", advice)


def judge_server_start(actual: str) -> Condition:
    """Judge a server that does not answer yet with its new option file."""
    return _build_pending("the server to come up with its new option file", actual)


def judge_refused_change(state: ChangeState, silence: str) -> Condition:
    """Judge a server that stopped answering after it had run with the previous file."""
    return _build_pending("a server that answers", f"{silence}; {state.why}")


def judge_previous_file(state: ChangeState, silence: str) -> Condition:
    """Judge a server that is being started with the previous option file."""
    expected = "a server that runs with the previous option file"
    if not state.failure:
        return _build_pending(expected, f"{silence}; it was started again; {state.why}")
    actual = f"it does not start with that file either ({state.failure}); {state.why}"
    advice = (
        f"see the server's error log; it is started again at least once every {START_RETRY_LIMIT_S:.0f} s"
    )
    return _build_pending(expected, actual, advice)


def _judge_refusal(snapshot: ConfigurationSnapshot) -> Condition | None:
    if not snapshot.change.is_refused(snapshot.text):
        return None
    advice = "the previous file is in force again; change GuestAgent.Variables"
    return _build_final(f"a server that runs with {snapshot.path}", snapshot.change.why, advice)


def _judge_unknown_settings(snapshot: ConfigurationSnapshot) -> Condition | None:
    if not snapshot.unknown_settings:
        return None
    names = ", ".join(each.name for each in snapshot.unknown_settings)
    return _build_final(
        "variables that this server knows",
        f"it has none of the name {names}",
        f"remove from GuestAgent.Variables: {names}",
    )


def _judge_failed_settings(snapshot: ConfigurationSnapshot) -> Condition | None:
    """Judge what was requested and refused, and what even a restart has not changed."""
    refused = [
        each
        for each in snapshot.differences
        if each.is_requested and each.activation is Activation.AT_ONCE and snapshot.has_tried(each)
    ]
    if refused:
        advice = "write in GuestAgent.Variables a value that the server accepts"
        return _judge_differences(snapshot, refused, ConditionState.FINAL, advice)
    if snapshot.static_differences and snapshot.change.is_applied(snapshot.text):
        advice = (
            f"check whether an option file that is read after {snapshot.path}, or a command line, sets another value, "
            "and remove it there"
        )
        return _judge_differences(snapshot, snapshot.static_differences, ConditionState.FINAL, advice)
    return None


def _judge_pending_settings(snapshot: ConfigurationSnapshot) -> Condition | None:
    """Judge settings that can still be set, and requested ones that were in force until someone changed them."""
    static = [each for each in snapshot.static_differences if snapshot.can_restart or each.is_requested]
    pending = [*snapshot.dynamic_differences, *static]
    if pending:
        advice = "restart the database server when convenient; the option file has the value"
        needs_advice = static and not snapshot.can_restart
        return _judge_differences(snapshot, pending, ConditionState.PENDING, advice if needs_advice else "")
    if snapshot.current_text != snapshot.text:
        return _build_pending(f"{snapshot.path} as it should be", "another text")
    return None


def _judge_success(snapshot: ConfigurationSnapshot) -> Condition:
    later = ", ".join(
        f"{each.name} ({snapshot.running_values[each.name] or 'empty'} now)"
        for each in snapshot.differences
        if each.activation is not Activation.BY_ROLE
    )
    actual = f"{len(snapshot.settings)} settings" + (
        f"; with the server's next start: {later}" if later else ""
    )
    return Condition(
        CONDITION_NAME, ConditionState.HELD, "as the machine, the family and the metadata ask", actual
    )


def _judge_differences(
    snapshot: ConfigurationSnapshot, settings: Iterable[ServerSetting], state: ConditionState, advice: str
) -> Condition:
    differing = tuple(settings)
    expected = ", ".join(f"{each.name} = {each.value or 'empty'}" for each in differing)
    actual = ", ".join(_format_running_value(snapshot, each) for each in differing)
    failure = f" ({snapshot.change.why})" if snapshot.change.why else ""
    return Condition(CONDITION_NAME, state, expected, actual + failure, advice)


def _format_running_value(snapshot: ConfigurationSnapshot, setting: ServerSetting) -> str:
    attempt = snapshot.change.tried.get(setting.name)
    error = f" (the server reports {attempt.why})" if attempt is not None and attempt.why else ""
    return f"{setting.name} = {snapshot.running_values[setting.name] or 'empty'}{error}"


def _build_final(expected: str, actual: str, advice: str) -> Condition:
    return Condition(CONDITION_NAME, ConditionState.FINAL, expected, actual, advice)


def _build_pending(expected: str, actual: str, advice: str = "") -> Condition:
    return Condition(CONDITION_NAME, ConditionState.PENDING, expected, actual, advice)
