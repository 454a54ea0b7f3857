"""The actions on a server, as os-instance-actions lists them: for some failures they are the only trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha224

from guestagent.embedded.host.clock import format_timestamp, get_utc_time
from guestagent.embedded.http.request_ids import get_request_id
from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME

ERROR_MESSAGE = "Error"
MOVE_EVENT = "compute_finish_resize"
EVENT_NAMES: Mapping[str, str] = {
    "create": "compute__do_build_and_run_instance",
    "delete": "compute_terminate_instance",
    "reboot": "compute_reboot_instance",
    "resize": MOVE_EVENT,
    "migrate": MOVE_EVENT,
    "confirmResize": "compute_confirm_resize",
    "revertResize": "compute_finish_revert_resize",
}
"""The events of an action; of any other it is its own name behind `compute_`."""
PREPARATION = {
    "compute_prep_resize": "Success",
    "cold_migrate": "Success",
    "conductor_migrate_server": "Success",
}


@dataclass(slots=True, eq=False)
class ComputeAction:
    """One action. `result` is "" until it ends, then Success or Error. Nova shows a message for a failed one alone.

    `is_prepared`: the first events of a resize have ended, with success, and the last one has not begun.
    """

    name: str
    result: str = ""
    request_id: str = field(default_factory=get_request_id)
    started: datetime = field(default_factory=get_utc_time)
    ended: datetime | None = None
    is_prepared: bool = False

    def end(self, is_success: bool = True) -> None:
        self.result, self.ended = "Success" if is_success else "Error", get_utc_time()


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
    view: dict[str, object] = {
        "action": action.name,
        "instance_uuid": server_id,
        "request_id": action.request_id,
        "start_time": _format_time(action.started),
        "updated_at": _format_time(action.ended or action.started),
        "message": ERROR_MESSAGE if action.result == ERROR_MESSAGE else None,
        "project_id": PROJECT_NAME,
        "user_id": PROJECT_NAME,
    }
    if with_events:
        view["events"] = [
            {
                "event": name,
                "start_time": _format_time(action.started),
                "finish_time": _format_time(action.ended),
                "result": result or None,
                "hostId": sha224(PROJECT_NAME.encode()).hexdigest(),
            }
            for name, result in _list_events(action).items()
        ]
    return view


def _list_events(action: ComputeAction) -> Mapping[str, str]:
    """Return the results of an action's events, the newest first."""
    name = EVENT_NAMES.get(action.name, f"compute_{action.name}")
    if name == MOVE_EVENT and not action.is_prepared and action.result == ERROR_MESSAGE:
        return dict.fromkeys(("cold_migrate", "conductor_migrate_server"), ERROR_MESSAGE)
    if not action.is_prepared:
        return {name: action.result}
    last = {name: action.result} if action.result else {}
    return {**last, "compute_resize_instance": "Success" if last else "", **PREPARATION}


def _format_time(time: datetime | None) -> str | None:
    return None if time is None else str(format_timestamp(time)).removesuffix("Z")
