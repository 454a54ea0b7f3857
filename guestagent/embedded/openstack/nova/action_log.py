"""The actions on a server, as os-instance-actions lists them: for some failures they are the only trace."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from guestagent.embedded.host.clock import format_timestamp, get_utc_time
from guestagent.embedded.host.identifiers import generate_id

ERROR_MESSAGE = "Error"


@dataclass(slots=True, eq=False)
class ComputeAction:
    """One action. `result` is "" until it ends, then Success or Error. Nova shows a message for a failed one alone."""

    name: str
    result: str = ""
    request_id: str = field(default_factory=lambda: f"req-{generate_id()}")
    started: datetime = field(default_factory=get_utc_time)

    def end(self, is_success: bool = True) -> None:
        self.result = "Success" if is_success else "Error"


class ActionLog:
    """The actions of every server, the newest first. They can be read after the server is gone."""

    def __init__(self) -> None:
        self._actions: dict[str, list[ComputeAction]] = {}

    def start(self, server_id: str, name: str) -> ComputeAction:
        """Note a new action."""
        action = ComputeAction(name)
        self._actions.setdefault(server_id, []).insert(0, action)
        return action

    def list_actions(self, server_id: str) -> list[ComputeAction]:
        return list(self._actions.get(server_id, ()))

    def find_action(self, server_id: str, request_id: str) -> ComputeAction | None:
        return next((each for each in self.list_actions(server_id) if each.request_id == request_id), None)


def format_action(server_id: str, action: ComputeAction, with_events: bool = False) -> dict[str, object]:
    """Format an action as Nova does."""
    started = str(format_timestamp(action.started)).removesuffix("Z")
    view: dict[str, object] = {
        "action": action.name,
        "instance_uuid": server_id,
        "request_id": action.request_id,
        "start_time": started,
        "message": ERROR_MESSAGE if action.result == ERROR_MESSAGE else None,
        "project_id": None,
        "user_id": None,
    }
    if with_events:
        event = {
            "event": f"compute_{action.name}",
            "start_time": started,
            "finish_time": started if action.result else None,
            "result": action.result or None,
            "traceback": None,
        }
        view["events"] = [event]
    return view
