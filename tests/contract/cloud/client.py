"""Raw requests of a member of a project to Nova, Cinder, Neutron and the others, on any cloud."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import requests
from keystoneauth1.identity import V3Password
from keystoneauth1.session import Session

COMPUTE, VOLUME, NETWORK = "compute", "block-storage", "network"
VERSIONS = {COMPUTE: "2.90", VOLUME: "3.67"}
"""The microversions of a request that names no other: what Nova 26 and Cinder 21 both have."""
VERSION_NAMES = {COMPUTE: "compute", VOLUME: "volume"}
ANSWER_TIMEOUT_S = 300.0
_RUN, _NUMBERS = secrets.token_hex(3), itertools.count(1)


class ContractOperator(Protocol):
    """What only the administrator of a cloud can do."""

    def limit_quota(self, name: str, limit: int) -> AbstractContextManager[None]:
        """Let the project have no more of something during the block.

        The names: `instances`, `cores`, `ram`, `server_groups`, `server_group_members`, `volumes`, `gigabytes`,
        `per_volume_gigabytes`, `ports`, `groups`, and `rules`.
        """
        ...


@dataclass(slots=True)
class CloudClient:
    """One member of one project; many threads may use it at the same time."""

    name: str
    release: int
    """That of Nova."""
    auth: Mapping[str, Any] = field(repr=False)
    operator: ContractOperator
    session: Session = field(init=False, repr=False)

    def __post_init__(self) -> None:
        transport = requests.Session()
        transport.trust_env = False
        self.session = Session(V3Password(**self.auth), session=transport, timeout=ANSWER_TIMEOUT_S)

    def send(
        self,
        service: str,
        method: str,
        path: str,
        body: object = None,
        *,
        version: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request below the endpoint of the service; return refusals, too.

        A version of "" sends no microversion.
        """
        chosen = VERSIONS.get(service, "") if version is None else version
        more = {"OpenStack-API-Version": f"{VERSION_NAMES[service]} {chosen}"} if chosen else {}
        answer: requests.Response = self.session.request(
            path,
            method,
            json=body,
            headers={**more, **(headers or {})},
            endpoint_filter={"service_type": service},
            raise_exc=False,
        )
        return answer

    def close(self) -> None:
        """Nothing stays open: for the sake of `closing`."""


def build_name() -> str:
    """Return a name that nothing else has."""
    return f"contract-{_RUN}-{next(_NUMBERS)}"


def format_answer(answer: requests.Response) -> str:
    """Format an answer on one line: the code, and for a refusal its type and its message."""
    if answer.status_code < 400:
        return str(answer.status_code)
    return mask_values(f"{answer.status_code} {_describe_refusal(answer)}".strip())


def _describe_refusal(answer: requests.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return answer.text.strip()
    if "errors" in body:  # Placement, and a microversion that Nova does not have
        return str(body["errors"][0]["title"])
    kind, error = next(iter(body.items()))
    if not isinstance(error, dict):
        return f"{kind}: {error}"
    return f"{error.get('type', kind)}: {error['message']}"


def mask_values(text: str) -> str:
    """Return a text without the ids, names and times that differ in every run."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>", text)
    text = re.sub(r"contract-[0-9a-f]{6}-\d+", "<name>", text)
    text = re.sub(r"\b[0-9a-f]{32}\b", "<hex>", text)
    return re.sub(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z?", "<time>", text)
