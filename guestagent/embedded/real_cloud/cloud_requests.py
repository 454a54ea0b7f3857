"""Raw requests of one user to the services of a real cloud."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from keystoneauth1.exceptions import ClientException

from guestagent.embedded.openstack.keystone.login import open_session
from guestagent.errors import CloudRefused, DeadlineExceeded
from guestagent.secret import Secret

MICROVERSIONS = {"compute": "compute 2.90", "block-storage": "volume 3.67"}
NETWORK_PATH = "/v2.0"
POLL_INTERVAL_S = 0.1
ANSWER_LIMIT = 500
REQUEST_TIMEOUT_S = (
    300.0  # only ends what hangs: on a busy machine Neutron's first answers take most of a minute
)


class CloudRequests:
    """One user. Paths begin behind the endpoint of the service; `network` and `image` with their version."""

    def __init__(self, auth_url: str, username: str, password: Secret, project: str) -> None:
        self._session = open_session(auth_url, username, password, project, REQUEST_TIMEOUT_S)

    @property
    def project_id(self) -> str:
        """The project of the user."""
        return str(self._session.get_project_id())

    def send(
        self, service: str, method: str, path: str, body: object = None, content: bytes | None = None
    ) -> Any:
        """Return the body of the answer. CloudRefused if the service refuses, or does not answer."""
        version = MICROVERSIONS.get(service)
        headers = {"OpenStack-API-Version": version} if version else {}
        if content is not None:
            headers["Content-Type"] = "application/octet-stream"
        more: dict[str, Any] = {"json": body} if content is None else {"data": content}
        try:
            response = self._session.request(
                path, method, headers=headers, endpoint_filter={"service_type": service}, **more
            )
        except ClientException as error:
            raise CloudRefused(
                f"{method} {path} of {service}: {error} {_read_answer(error)}".strip()
            ) from error
        # Heat answers an update with a page for people.
        has_document = response.headers.get("Content-Type", "").startswith("application/json")
        return response.json() if has_document and response.content else None

    def find(self, service: str, path: str, kind: str) -> list[dict[str, Any]]:
        """Return a list."""
        return list(self.send(service, "GET", path)[kind])


def _read_answer(error: ClientException) -> str:
    """Return the body of a refusal; keystoneauth's own text leaves out that of Cinder."""
    answer = getattr(error, "response", None)
    return "" if answer is None else str(answer.text)[:ANSWER_LIMIT]


def wait_for(description: str, is_true: Callable[[], bool], timeout: float) -> None:
    """Poll until it is true. DeadlineExceeded with the description if that takes too long."""
    deadline = time.monotonic() + timeout
    while not is_true():
        if time.monotonic() > deadline:
            raise DeadlineExceeded(f"{description}: not within {timeout:.0f} s")
        time.sleep(POLL_INTERVAL_S)
