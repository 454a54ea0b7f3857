"""The requests of `NodeHardware` to Nova and Cinder, over the session of a cloud."""

from __future__ import annotations

from typing import Any

from guestagent.controller.hardware_api import HardwareVolume
from guestagent.controller.openstack_session import RETRYABLE_STATUSES, Connection, send_request
from guestagent.controller.request_limits import REQUEST_TIMEOUT_S
from guestagent.errors import CloudRefused, CloudUnreachable
from guestagent.http_time_limit import limit_connections

COMPUTE, VOLUME = "compute", "block_storage"
EXTEND_MICROVERSION = "3.42"
"""The first version of Cinder's API that grows a volume while it is attached."""
NOT_FOUND = 404


class OpenStackHardware:
    """The servers and volumes of a project. `timeout` is for each request, in seconds."""

    def __init__(self, connection: Connection, timeout: float = REQUEST_TIMEOUT_S) -> None:
        self._connection, self._timeout = connection, timeout
        limit_connections(connection.session.session)

    def read_server_status(self, server_id: str) -> str | None:
        server = self._read(COMPUTE, f"/servers/{server_id}", "server")
        return None if server is None else str(server["status"])

    def read_volume(self, volume_id: str) -> HardwareVolume | None:
        volume = self._read(VOLUME, f"/volumes/{volume_id}", "volume")
        return None if volume is None else HardwareVolume(int(volume["size"]), str(volume["status"]))

    def extend_volume(self, volume_id: str, size_gib: int) -> None:
        action = f"extending volume {volume_id}"
        self._request(
            VOLUME,
            "POST",
            f"/volumes/{volume_id}/action",
            action,
            microversion=EXTEND_MICROVERSION,
            json={"os-extend": {"new_size": size_gib}},
        )

    def _read(self, service: str, path: str, key: str) -> Any:
        response = self._request(service, "GET", path, f"reading {path}")
        if response.status_code == NOT_FOUND:
            return None
        try:
            return response.json()[key]
        except (ValueError, KeyError, TypeError) as error:
            raise CloudUnreachable(f"reading {path}: the answer is none of the service's") from error

    def _request(self, service: str, method: str, path: str, action: str, **request: Any) -> Any:
        response = send_request(self._connection, service, method, path, action, self._timeout, **request)
        if response.status_code < 400 or (method == "GET" and response.status_code == NOT_FOUND):
            return response
        message = f"{action}: the cloud returned {response.status_code}: {_read_message(response)}"
        raise (CloudUnreachable if response.status_code in RETRYABLE_STATUSES else CloudRefused)(message)


def _read_message(response: Any) -> str:
    """Return the reason in an error of Nova or Cinder: `{"badRequest": {"message": ...}}`, for example."""
    try:
        errors = list(response.json().values())
        return str(errors[0]["message"])
    except (ValueError, AttributeError, IndexError, KeyError, TypeError):
        return str(response.reason or "no reason given")
