"""The state of a change of the option file: the text before it, and how far the server has come with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Phase(str, Enum):
    """How far the server has come with `ChangeState.text`.

    WRITTEN: the file has this text. RESTARTING: the server is being restarted with it. APPLIED: the server ran with it
    after that restart. RESTORING: the server did not start, and the previous file is being put back. REFUSED: the
    server runs with the previous file again.
    """

    NONE = "none"
    WRITTEN = "written"
    RESTARTING = "restarting"
    APPLIED = "took"
    RESTORING = "returning"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SetAttempt:
    """An attempt to set a variable to `value`, which the server did not accept as it is; `why` is its error, if any."""

    value: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class ChangeState:
    """Everything about the last change of the option file that must survive a restart of the agent.

    `path`, `text`, `previous` and `last` are of the option file: `last` was its text before `text`, and `previous` the
    text with which a server has run (None: there was no file). `server` identifies the instance of the server that ran
    when the text was written, `log` is its error log ("" if the service manager has it). `since` is when the last start
    began, in seconds of the boot `boot` ("": written by 0.1), and `why` the error of the restart. `starts` counts the
    starts with the previous file, and `failure` is the error of the last one. `proved`: the Variables with which the
    node was last ready, in canonical JSON; None: it never was. `originals` are the values that the requested variables
    had before the agent set them; None: not known.
    """

    phase: Phase = Phase.NONE
    family: str = ""
    path: str = ""
    text: str = ""
    previous: str | None = None
    last: str = ""
    since: float = 0.0
    server: str = ""
    log: str = ""
    why: str = ""
    proved: str | None = None
    tried: Mapping[str, SetAttempt] = field(default_factory=dict)
    boot: str = ""
    starts: int = 0
    failure: str = ""
    originals: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def is_waiting_for_answer(self) -> bool:
        """Whether an answer of the server changes the phase."""
        return self.phase in (Phase.WRITTEN, Phase.RESTARTING, Phase.RESTORING)

    def get_restore_text(self, current_text: str | None) -> str | None:
        """Return the text to put back later in place of the current one: no server has run with one just written."""
        return self.previous if self.phase is Phase.WRITTEN and self.text == current_text else current_text

    def is_refused(self, text: str) -> bool:
        """Return whether no server started with that text."""
        return self.phase in (Phase.RESTORING, Phase.REFUSED) and self.text == text

    def is_applied(self, text: str) -> bool:
        """Return whether the server was restarted with that text."""
        return self.phase is Phase.APPLIED and self.text == text
