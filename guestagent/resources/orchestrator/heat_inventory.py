"""The StackInventory of a project of OpenStack: a plain list, each page asked for once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guestagent.controller.openstack_session import RETRYABLE_STATUSES, Connection, send_request
from guestagent.controller.request_limits import REQUEST_TIMEOUT_S
from guestagent.errors import CloudRefused, CloudUnreachable
from guestagent.resources.orchestrator.stack_inventory import StackEntry, read_entry

PAGE_LENGTH = 500
ACTION = "listing the stacks"


class HeatInventory:
    """The list of one project's Heat."""

    def __init__(self, connection: Connection, timeout: float = REQUEST_TIMEOUT_S) -> None:
        self._connection, self._timeout = connection, timeout

    def list_stacks(self) -> Sequence[StackEntry]:
        stacks: list[StackEntry] = []
        page = self._read_page({})
        while page:
            stacks += page
            page = self._read_page({"marker": page[-1].id}) if len(page) == PAGE_LENGTH else []
        return stacks

    def _read_page(self, marker: dict[str, str]) -> list[StackEntry]:
        params: dict[str, Any] = {"limit": str(PAGE_LENGTH), **marker}
        response = send_request(
            self._connection, "orchestration", "GET", "/stacks", ACTION, self._timeout, params=params
        )
        if response.status_code in RETRYABLE_STATUSES:
            raise CloudUnreachable(f"{ACTION}: Heat returned {response.status_code}")
        if response.status_code >= 400:
            raise CloudRefused(f"{ACTION}: Heat returned {response.status_code}")
        try:
            return [read_entry(entry) for entry in response.json()["stacks"]]
        except (ValueError, KeyError, TypeError) as error:
            raise CloudUnreachable(f"{ACTION}: the response is incomplete, or not Heat's") from error
