"""Deciding how a server's configuration becomes what is wanted, and judging how far it is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from guestagent.agent.configuration.optionfile import difference, same
from guestagent.agent.configuration.record import Record
from guestagent.agent.configuration.wanted import Force, Setting
from guestagent.agent.model import Agreement, Condition
from guestagent.database.steps import SetVariable

NAME = "configuration"


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Replace the option file; `before` None: there is none yet."""

    path: str
    before: str | None
    text: str

    def __str__(self) -> str:
        return f"write the option file {self.path}"

    @property
    def difference(self) -> str:
        return difference(self.before, self.text, self.path)


@dataclass(frozen=True, slots=True)
class RestartServer:
    """Restart the database server, for static variables."""

    variables: tuple[str, ...]

    def __str__(self) -> str:
        return f"restart the database server for {', '.join(self.variables)}"


Step = WriteOptions | SetVariable | RestartServer


@dataclass(frozen=True, slots=True)
class Look:
    """One look. `running`: the server's global variables; `before`: the option file at `path`, None where there is
    none; `text`: what it should be. `asked`: the document's Variables, in canonical JSON. `leaving` are variables that
    it no longer asks for, with the values to which they go back.
    """

    path: str
    before: str | None
    text: str
    settings: tuple[Setting, ...]
    running: Mapping[str, str]
    record: Record
    asked: str = "{}"
    leaving: tuple[Setting, ...] = ()

    @property
    def may_restart(self) -> bool:
        """Before the node was ever ready, or when its Variables are others than those with which it was."""
        return self.record.proved is None or self.record.proved != self.asked

    @property
    def differing(self) -> tuple[Setting, ...]:
        """What the running server shows, and otherwise."""
        return self._differing(self.settings) + self.lingering

    @property
    def lingering(self) -> tuple[Setting, ...]:
        """What has not gone back yet. A restart brings the server's own value about, whichever that is."""
        restarted = self.record.took(self.text)
        return tuple(
            each for each in self._differing(self.leaving) if not (restarted and each.force is Force.RESTART)
        )

    def _differing(self, settings: Iterable[Setting]) -> tuple[Setting, ...]:
        return tuple(
            each
            for each in settings
            if each.name in self.running and not same(each.wanted, self.running[each.name])
        )

    @property
    def strange(self) -> tuple[Setting, ...]:
        """What was asked for and this server does not know: it would not start with it."""
        return tuple(each for each in self.settings if each.asked and each.name not in self.running)


def known(settings: Iterable[Setting], running: Mapping[str, str]) -> tuple[Setting, ...]:
    """Those that this server knows: one unknown name in an option file, and it does not start."""
    return tuple(each for each in settings if each.option or each.name in running)


def steps(look: Look) -> tuple[Step, ...]:
    """The file first: whatever happens to the server next, it comes up with it. A restart is the last step."""
    refused, planned = look.record.refuses(look.text), list[Step]()
    if look.before != look.text and not refused:
        planned.append(WriteOptions(look.path, look.before, look.text))
    planned += [SetVariable(each.name, each.value) for each in look.differing if _is_to_be_set(look, each)]
    static = _static(look)
    if static and look.may_restart and not refused and not look.record.took(look.text):
        planned.append(RestartServer(tuple(each.name for each in static)))
    return tuple(planned)


def condition(look: Look) -> Condition:
    """How the configuration stands: the worst of it first."""
    return _refused(look) or _unknown(look) or _not_taken(look) or _waiting(look) or _held(look)


def _is_to_be_set(look: Look, each: Setting) -> bool:
    """Return whether this value can be set at once and was not tried yet. An attempt with another one says nothing."""
    tried = look.record.tried.get(each.name)
    return each.force is Force.AT_ONCE and (tried is None or tried.value != each.value)


def _static(look: Look) -> tuple[Setting, ...]:
    return tuple(each for each in look.differing if each.force is Force.RESTART)


def _refused(look: Look) -> Condition | None:
    if not look.record.refuses(look.text):
        return None
    do = "the previous file is in force again; change GuestAgent.Variables"
    return Condition(NAME, Agreement.FINAL, f"a server that runs with {look.path}", look.record.why, do)


def _unknown(look: Look) -> Condition | None:
    if not look.strange:
        return None
    names = ", ".join(each.name for each in look.strange)
    return Condition(
        NAME, Agreement.FINAL, "variables that this server knows", f"it has none of the name {names}",
        f"take it out of GuestAgent.Variables: {names}",
    )  # fmt: skip


def _not_taken(look: Look) -> Condition | None:
    """What was asked for and refused, and what not even a restart has brought about."""
    tried = look.record.tried
    live = [
        each
        for each in look.differing
        if each.asked
        and each.force is Force.AT_ONCE
        and each.name in tried
        and tried[each.name].value == each.value
    ]
    if live:
        do = "write in GuestAgent.Variables a value that the server takes"
        return _differs(look, live, Agreement.FINAL, do)
    if _static(look) and look.record.took(look.text):
        do = f"does an option file that is read after {look.path}, or a command line, say otherwise? take it out there"
        return _differs(look, _static(look), Agreement.FINAL, do)
    return None


def _waiting(look: Look) -> Condition | None:
    """What can still come; and what was asked for, came about, and was changed by somebody else since."""
    open_ones = [each for each in look.differing if _is_to_be_set(look, each)]
    static = [each for each in _static(look) if look.may_restart or each.asked]
    if not open_ones and not static and (look.before == look.text):
        return None
    do = (
        ""
        if look.may_restart or not static
        else "restart the database server when it suits; the file says it"
    )
    if not open_ones and not static:
        return Condition(NAME, Agreement.PENDING, f"{look.path} as it should be", "another text")
    return _differs(look, [*open_ones, *static], Agreement.PENDING, do)


def _held(look: Look) -> Condition:
    left = [each for each in look.differing if each.force is not Force.BY_ROLE]
    later = ", ".join(f"{each.name} ({look.running[each.name] or 'empty'} now)" for each in left)
    seen = f"{len(look.settings)} settings" + (f"; with the server's next start: {later}" if later else "")
    return Condition(NAME, Agreement.HELD, "as the machine, the family and the metadata ask", seen)


def _differs(look: Look, these: Iterable[Setting], agreement: Agreement, do: str) -> Condition:
    settings = tuple(these)
    wanted = ", ".join(f"{each.name} = {each.value or 'empty'}" for each in settings)
    seen = ", ".join(_seen(look, each) for each in settings)
    failed = f" ({look.record.why})" if look.record.why else ""
    return Condition(NAME, agreement, wanted, seen + failed, do)


def _seen(look: Look, each: Setting) -> str:
    tried = look.record.tried.get(each.name)
    said = f" (the server says {tried.why})" if tried is not None and tried.why else ""
    return f"{each.name} = {look.running[each.name] or 'empty'}{said}"
