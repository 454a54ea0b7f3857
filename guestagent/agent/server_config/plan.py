"""The steps from a server's configuration to the desired one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from guestagent.agent.server_config.change_state import ChangeState
from guestagent.agent.server_config.option_file import build_diff, is_same_value
from guestagent.agent.server_config.settings import Activation, ServerSetting
from guestagent.database.steps import SetVariable


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Replace the option file. `current_text` None: there is none yet."""

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
    """The configuration at one observation, and the desired one.

    `current_text` is that of the option file at `path` (None: there is none), and `text` the desired one.
    `running_values`: the server's global variables. `requested`: the document's Variables, in canonical JSON. `reverts`
    are variables that it no longer asks for, with the values to which they go back.
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
        """Whether the server may be restarted: the node was never ready, or it was with other Variables."""
        return self.change.proved is None or self.change.proved != self.requested

    @property
    def differences(self) -> tuple[ServerSetting, ...]:
        """The settings for which the running server has another value."""
        return self._select_differing(self.settings) + self.pending_reverts

    @property
    def static_differences(self) -> tuple[ServerSetting, ...]:
        """The differences that need a restart."""
        return tuple(each for each in self.differences if each.activation is Activation.RESTART)

    @property
    def dynamic_differences(self) -> tuple[ServerSetting, ...]:
        """The differences that can be set at once, and that the server has not refused yet with this value."""
        return tuple(
            each
            for each in self.differences
            if each.activation is Activation.AT_ONCE and not self.has_tried(each)
        )

    @property
    def pending_reverts(self) -> tuple[ServerSetting, ...]:
        """The variables that have not gone back yet. A restart sets the server's own value, whatever it is."""
        is_restarted = self.change.is_applied(self.text)
        return tuple(
            each
            for each in self._select_differing(self.reverts)
            if not (is_restarted and each.activation is Activation.RESTART)
        )

    @property
    def unknown_settings(self) -> tuple[ServerSetting, ...]:
        """The requested variables that this server does not know: it would not start with them."""
        return tuple(
            each for each in self.settings if each.is_requested and each.name not in self.running_values
        )

    def has_tried(self, setting: ServerSetting) -> bool:
        """Return whether this value was tried. An attempt with another value does not count."""
        attempt = self.change.tried.get(setting.name)
        return attempt is not None and attempt.value == setting.value

    def _select_differing(self, settings: Iterable[ServerSetting]) -> tuple[ServerSetting, ...]:
        return tuple(
            each
            for each in settings
            if each.name in self.running_values
            and not is_same_value(each.expected_value, self.running_values[each.name])
        )


def plan_steps(snapshot: ConfigurationSnapshot) -> tuple[ConfigurationStep, ...]:
    """Plan the steps. The file comes first, because the server may restart at any time. A restart comes last."""
    change, text = snapshot.change, snapshot.text
    is_refused, steps = change.is_refused(text), list[ConfigurationStep]()
    if snapshot.current_text != text and not is_refused:
        steps.append(WriteOptions(snapshot.path, snapshot.current_text, text))
    steps += [SetVariable(each.name, each.value) for each in snapshot.dynamic_differences]
    static = snapshot.static_differences
    if static and snapshot.can_restart and not is_refused and not change.is_applied(text):
        steps.append(RestartServer(tuple(each.name for each in static)))
    return tuple(steps)


def select_known_settings(
    settings: Iterable[ServerSetting], running_values: Mapping[str, str]
) -> tuple[ServerSetting, ...]:
    """Select the settings that this server knows: with an unknown name in an option file it does not start."""
    return tuple(each for each in settings if each.is_option or each.name in running_values)
