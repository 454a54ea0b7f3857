"""Deciding how a server's configuration becomes what is wanted, and judging how far it is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from guestagent.agent.model import Condition, ConditionState
from guestagent.agent.server_config.change_state import ChangeState
from guestagent.agent.server_config.option_file import build_diff, is_same_value
from guestagent.agent.server_config.settings import Activation, ServerSetting
from guestagent.database.steps import SetVariable

CONDITION_NAME = "configuration"


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Replace the option file; `before` None: there is none yet."""

    path: str
    current_text: str | None
    text: str

    def __str__(self) -> str:
        return f"write the option file {self.path}"

    @property
    def diff(self) -> str:
        return build_diff(self.current_text, self.text, self.path)


@dataclass(frozen=True, slots=True)
class RestartServer:
    """Restart the database server, for static variables."""

    variables: tuple[str, ...]

    def __str__(self) -> str:
        return f"restart the database server for {', '.join(self.variables)}"


ConfigurationStep = WriteOptions | SetVariable | RestartServer


@dataclass(frozen=True, slots=True)
class ConfigurationSnapshot:
    """One look. `running`: the server's global variables; `before`: the option file at `path`, None where there is
    none; `text`: what it should be. `asked`: the document's Variables, in canonical JSON. `leaving` are variables that
    it no longer asks for, with the values to which they go back.
    """

    path: str
    current_text: str | None
    text: str
    settings: tuple[ServerSetting, ...]
    running_values: Mapping[str, str]
    change: ChangeState
    requested: str = "{}"
    reverts: tuple[ServerSetting, ...] = ()

    @property
    def can_restart(self) -> bool:
        """Before the node was ever ready, or when its Variables are others than those with which it was."""
        return self.change.proved is None or self.change.proved != self.requested

    @property
    def differences(self) -> tuple[ServerSetting, ...]:
        """What the running server shows, and otherwise."""
        return self._differing(self.settings) + self.pending_reverts

    @property
    def pending_reverts(self) -> tuple[ServerSetting, ...]:
        """What has not gone back yet. A restart brings the server's own value about, whichever that is."""
        restarted = self.change.is_applied(self.text)
        return tuple(
            each
            for each in self._differing(self.reverts)
            if not (restarted and each.activation is Activation.RESTART)
        )

    def _differing(self, settings: Iterable[ServerSetting]) -> tuple[ServerSetting, ...]:
        return tuple(
            each
            for each in settings
            if each.name in self.running_values
            and not is_same_value(each.expected_value, self.running_values[each.name])
        )

    @property
    def unknown_settings(self) -> tuple[ServerSetting, ...]:
        """What was asked for and this server does not know: it would not start with it."""
        return tuple(
            each for each in self.settings if each.is_requested and each.name not in self.running_values
        )


def select_known_settings(
    settings: Iterable[ServerSetting], running: Mapping[str, str]
) -> tuple[ServerSetting, ...]:
    """Those that this server knows: one unknown name in an option file, and it does not start."""
    return tuple(each for each in settings if each.is_option or each.name in running)


def plan_steps(look: ConfigurationSnapshot) -> tuple[ConfigurationStep, ...]:
    """The file first: whatever happens to the server next, it comes up with it. A restart is the last step."""
    refused, planned = look.change.is_refused(look.text), list[ConfigurationStep]()
    if look.current_text != look.text and not refused:
        planned.append(WriteOptions(look.path, look.current_text, look.text))
    planned += [SetVariable(each.name, each.value) for each in look.differences if _is_to_be_set(look, each)]
    static = _static(look)
    if static and look.can_restart and not refused and not look.change.is_applied(look.text):
        planned.append(RestartServer(tuple(each.name for each in static)))
    return tuple(planned)


def judge_configuration(look: ConfigurationSnapshot) -> Condition:
    """How the configuration stands: the worst of it first."""
    return _refused(look) or _unknown(look) or _not_taken(look) or _waiting(look) or _held(look)


def _is_to_be_set(look: ConfigurationSnapshot, each: ServerSetting) -> bool:
    """Return whether this value can be set at once and was not tried yet. An attempt with another one says nothing."""
    tried = look.change.tried.get(each.name)
    return each.activation is Activation.AT_ONCE and (tried is None or tried.value != each.value)


def _static(look: ConfigurationSnapshot) -> tuple[ServerSetting, ...]:
    return tuple(each for each in look.differences if each.activation is Activation.RESTART)


def _refused(look: ConfigurationSnapshot) -> Condition | None:
    if not look.change.is_refused(look.text):
        return None
    do = "the previous file is in force again; change GuestAgent.Variables"
    return Condition(
        CONDITION_NAME, ConditionState.FINAL, f"a server that runs with {look.path}", look.change.why, do
    )


def _unknown(look: ConfigurationSnapshot) -> Condition | None:
    if not look.unknown_settings:
        return None
    names = ", ".join(each.name for each in look.unknown_settings)
    return Condition(
        CONDITION_NAME, ConditionState.FINAL, "variables that this server knows", f"it has none of the name {names}",
        f"take it out of GuestAgent.Variables: {names}",
    )  # fmt: skip


def _not_taken(look: ConfigurationSnapshot) -> Condition | None:
    """What was asked for and refused, and what not even a restart has brought about."""
    tried = look.change.tried
    live = [
        each
        for each in look.differences
        if each.is_requested
        and each.activation is Activation.AT_ONCE
        and each.name in tried
        and tried[each.name].value == each.value
    ]
    if live:
        do = "write in GuestAgent.Variables a value that the server takes"
        return _differs(look, live, ConditionState.FINAL, do)
    if _static(look) and look.change.is_applied(look.text):
        do = f"does an option file that is read after {look.path}, or a command line, say otherwise? take it out there"
        return _differs(look, _static(look), ConditionState.FINAL, do)
    return None


def _waiting(look: ConfigurationSnapshot) -> Condition | None:
    """What can still come; and what was asked for, came about, and was changed by somebody else since."""
    open_ones = [each for each in look.differences if _is_to_be_set(look, each)]
    static = [each for each in _static(look) if look.can_restart or each.is_requested]
    if not open_ones and not static and (look.current_text == look.text):
        return None
    do = (
        ""
        if look.can_restart or not static
        else "restart the database server when it suits; the file says it"
    )
    if not open_ones and not static:
        return Condition(
            CONDITION_NAME, ConditionState.PENDING, f"{look.path} as it should be", "another text"
        )
    return _differs(look, [*open_ones, *static], ConditionState.PENDING, do)


def _held(look: ConfigurationSnapshot) -> Condition:
    left = [each for each in look.differences if each.activation is not Activation.BY_ROLE]
    later = ", ".join(f"{each.name} ({look.running_values[each.name] or 'empty'} now)" for each in left)
    seen = f"{len(look.settings)} settings" + (f"; with the server's next start: {later}" if later else "")
    return Condition(
        CONDITION_NAME, ConditionState.HELD, "as the machine, the family and the metadata ask", seen
    )


def _differs(
    look: ConfigurationSnapshot, these: Iterable[ServerSetting], agreement: ConditionState, do: str
) -> Condition:
    settings = tuple(these)
    wanted = ", ".join(f"{each.name} = {each.value or 'empty'}" for each in settings)
    seen = ", ".join(_seen(look, each) for each in settings)
    failed = f" ({look.change.why})" if look.change.why else ""
    return Condition(CONDITION_NAME, agreement, wanted, seen + failed, do)


def _seen(look: ConfigurationSnapshot, each: ServerSetting) -> str:
    tried = look.change.tried.get(each.name)
    said = f" (the server says {tried.why})" if tried is not None and tried.why else ""
    return f"{each.name} = {look.running_values[each.name] or 'empty'}{said}"
