"""The CloudApi of a project of OpenStack: raw requests with pinned microversions, each sent once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote

from guestagent.controller.openstack_session import Connection, find_project_id, send_request
from guestagent.controller.request_limits import REQUEST_TIMEOUT_S
from guestagent.errors import CloudRequestRefused, CloudUnreachable
from guestagent.http_time_limit import limit_connections
from guestagent.resources.natives.cloud_api import (
    CloudAnswer,
    CloudObservation,
    CloudPort,
    CloudServer,
    CloudServerGroup,
    CloudVolume,
    ServerAction,
)
from guestagent.resources.natives.http_calls import COMPUTE, IMAGE, NETWORK, SERVICE_NAMES, VOLUME, build_call
from guestagent.resources.natives.inventory import ProjectInventory
from guestagent.resources.natives.list_pages import (
    LOST_MARKER_STATUSES,
    NO_QUERY,
    FindNextPage,
    ListPage,
    Query,
    continue_after_marker,
    continue_at_offset,
    follow_link,
)
from guestagent.resources.natives.openstack_inventory import read_inventory
from guestagent.resources.natives.requests import CloudRequest
from guestagent.resources.natives.responses import (
    UNDECIDED_STATUSES,
    UNKNOWN_STATUS,
    classify_refusal,
    read_action,
    read_attachment,
    read_group,
    read_message,
    read_port,
    read_server,
    read_server_group,
    read_volume,
)
from guestagent.resources.natives.shared_observation import SharedObservation
from guestagent.resources.natives.volume_messages import CloudMessage
from guestagent.resources.operation import RefusalCode

Value = TypeVar("Value")
Entry = Mapping[str, Any]
MICROVERSIONS: Mapping[str, str | None] = {COMPUTE: "2.79", VOLUME: "3.42", NETWORK: None, IMAGE: None}
PAGE = {"limit": "1000"}
NOT_FOUND = 404
FLAVOR_ID = re.compile(r"[\w-][\w. -]*", re.ASCII)
"""As Nova allows them. No other text may get into a path."""


class OpenStackProject:
    """One project. The first request connects to the cloud. Threads that share it share its looks, too."""

    def __init__(self, connection: Connection, timeout: float = REQUEST_TIMEOUT_S) -> None:
        self._connection, self._timeout = connection, timeout
        limit_connections(connection.session.session)
        self._shared = SharedObservation(self._list_project)

    def observe(self) -> CloudObservation:
        return self._shared.observe()

    def _list_project(self) -> CloudObservation:
        """List everything. Servers have no filter: with one, Nova leaves out those of a cell that is down."""
        servers = [read_server(each) for each in self.list_entries(COMPUTE, "/servers/detail", "servers")]
        volumes = [
            read_volume(each) for each in self.list_entries(VOLUME, "/volumes/detail", "volumes", PAGE)
        ]
        attachments = self.list_entries(
            VOLUME, "/attachments/detail", "attachments", PAGE, continue_after_marker
        )
        ports = [read_port(each) for each in self.list_entries(NETWORK, "/ports", "ports")]
        groups = self.list_entries(NETWORK, "/security-groups", "security_groups")
        server_groups = self._list_server_groups()
        return CloudObservation(
            servers={server.id: server for server in servers},
            volumes={volume.id: volume for volume in volumes},
            attachments=tuple(read_attachment(each) for each in attachments),
            ports={port.id: port for port in ports},
            groups={group.id: group for group in map(read_group, groups)},
            server_groups={group.id: group for group in server_groups or ()},
            has_server_groups=server_groups is not None,
            is_complete=all(server.status != UNKNOWN_STATUS for server in servers),
        )

    def _list_server_groups(self) -> list[CloudServerGroup] | None:
        """List the server groups; None if the cloud's policy, or an old Nova, does not allow it."""
        path, key = "/os-server-groups", "server_groups"
        entries = self._list_allowed(
            lambda: self.list_entries(COMPUTE, path, key, next_page=continue_at_offset)
        )
        return None if entries is None else [read_server_group(each) for each in entries]

    def _list_allowed(self, list_entries: Callable[[], Iterator[Entry]]) -> list[Entry] | None:
        """Return a list; None if the cloud's policy does not allow it, or the service does not have it."""
        try:
            return list(list_entries())
        except CloudRequestRefused as error:
            if error.code in {RefusalCode.FORBIDDEN, RefusalCode.NOT_FOUND}:
                return None
            raise

    def get_server(self, server_id: str) -> CloudServer | None:
        return self._get(COMPUTE, f"/servers/{server_id}", "server", read_server)

    def get_volume(self, volume_id: str) -> CloudVolume | None:
        return self._get(VOLUME, f"/volumes/{volume_id}", "volume", read_volume)

    def get_port(self, port_id: str) -> CloudPort | None:
        return self._get(NETWORK, f"/ports/{port_id}", "port", read_port)

    def list_actions(self, server_id: str) -> tuple[ServerAction, ...]:
        """List the actions. The list shows an error alone, so the newest without one is read for its events."""
        path = f"/servers/{server_id}/os-instance-actions"
        actions = [read_action(entry) for entry in self.list_entries(COMPUTE, path, "instanceActions")]
        if actions and not actions[0].result:
            entry = self._get(COMPUTE, f"{path}/{actions[0].request_id}", "instanceAction", dict)
            if entry is not None:
                actions[0] = read_action(entry, entry.get("events"))
        return tuple(actions)

    def list_volume_messages(self, volume_id: str) -> tuple[CloudMessage, ...]:
        """List the messages. Cinder has the newest first."""
        query = {"resource_uuid": volume_id}
        entries = self._list_allowed(lambda: self.list_entries(VOLUME, "/messages", "messages", query))
        return tuple(map(read_message, reversed(entries or ())))

    def read_flavor_name(self, flavor_id: str) -> str | None:
        if FLAVOR_ID.fullmatch(flavor_id) is None:
            return None
        try:
            entry = self.get_entry(COMPUTE, f"/flavors/{quote(flavor_id, safe='')}", "flavor")
        except CloudRequestRefused:
            return None
        return None if entry is None else str(entry.get("name") or "") or None

    def send(self, request: CloudRequest) -> CloudAnswer:
        call = build_call(request, self)
        action = f"{call.method} {call.path} to {SERVICE_NAMES[call.service]}"
        options: dict[str, Any] = {} if call.body is None else {"json": call.body}
        if call.is_secret:
            options["log"] = False
        status, body, request_id = self._ask(call.service, call.method, call.path, action, **options)
        if status == NOT_FOUND and call.is_deletion:
            return CloudAnswer(request_id=request_id)
        if status >= 300:
            refusal = classify_refusal(status, body)
            if refusal.existing_id:
                return CloudAnswer(cloud_id=refusal.existing_id, request_id=request_id, exists=True)
            raise CloudRequestRefused(refusal.message, refusal.code)
        try:
            cloud_id = str(body[call.created]["id"]) if call.created else ""
        except (KeyError, TypeError) as error:
            raise CloudUnreachable(f"{action}: the answer is none of the service's") from error
        return CloudAnswer(cloud_id=cloud_id, request_id=request_id)

    def find_flavor(self, name: str) -> str:
        return self._find_id("flavor", COMPUTE, "/flavors", "flavors", name)

    def find_image(self, name: str) -> str:
        return self._find_id("image", IMAGE, "/images", "images", name)

    def find_network(self, name: str, subnet: str | None) -> tuple[str, str | None]:
        subnet_id = (
            None if subnet is None else self._find_id("subnet", NETWORK, "/subnets", "subnets", subnet)
        )
        if name:
            return self._find_id("network", NETWORK, "/networks", "networks", name), subnet_id
        found = self._get(NETWORK, f"/subnets/{subnet_id}", "subnet", dict)
        if found is None:
            raise CloudRequestRefused(f"there is no subnet {subnet}", RefusalCode.NOT_FOUND)
        return str(found["network_id"]), subnet_id

    def _find_id(self, kind: str, service: str, path: str, key: str, name: str) -> str:
        """Return the id of what has this name or id. Several of the same name are as bad as none.

        It is looked up each time: another image may have the name since.
        """
        entries = [
            each for each in self.list_entries(service, path, key) if name in (each["id"], each.get("name"))
        ]
        exact = [each for each in entries if each["id"] == name] or entries
        if not exact:
            raise CloudRequestRefused(f"there is no {kind} {name}", RefusalCode.NOT_FOUND)
        if len(exact) > 1:
            problem = f"{len(exact)} {kind}s are called {name}: give the id"
            raise CloudRequestRefused(problem, RefusalCode.INVALID)
        return str(exact[0]["id"])

    def read_inventory(self) -> ProjectInventory:
        """Read what the project has room for: a look of its own, for a preflight."""
        return read_inventory(self, find_project_id(self._connection))

    def get_entry(self, service: str, path: str, key: str) -> Entry | None:
        """Return one entry; None: 404."""
        return self._get(service, path, key, dict)

    def list_entries(
        self,
        service: str,
        path: str,
        key: str,
        params: Query = NO_QUERY,
        next_page: FindNextPage = follow_link,
    ) -> Iterator[Entry]:
        """Yield the entries of all pages. Raise CloudUnreachable if one of them cannot be had."""
        action, page = f"listing {path}", ListPage(query=params)
        while True:
            status, body, _ = self._ask(service, "GET", path, action, params=dict(page.query))
            if page.is_later and status in LOST_MARKER_STATUSES:
                raise CloudUnreachable(f"{action}: an entry was deleted while the pages were read")
            if status != 200:
                self._raise_refused(status, body, action)
            try:
                entries = list(body[key])
                following = next_page(page, body, entries)
            except (KeyError, TypeError, AttributeError) as error:
                raise CloudUnreachable(f"{action}: the answer is none of the service's") from error
            yield from entries
            if following is None:
                return
            page = following

    def _get(self, service: str, path: str, key: str, read: Callable[[Entry], Value]) -> Value | None:
        action = f"reading {path}"
        status, body, _ = self._ask(service, "GET", path, action)
        if status == NOT_FOUND:
            return None
        if status != 200:
            self._raise_refused(status, body, action)
        try:
            return read(body[key])
        except (KeyError, TypeError, ValueError) as error:
            raise CloudUnreachable(f"{action}: the answer is none of the service's") from error

    def _ask(self, service: str, method: str, path: str, action: str, **request: Any) -> tuple[int, Any, str]:
        """Send one request. Return status, body and the id that the service gave the request."""
        if MICROVERSIONS[service] is not None:
            request["microversion"] = MICROVERSIONS[service]
        response = send_request(self._connection, service, method, path, action, self._timeout, **request)
        if response.status_code in UNDECIDED_STATUSES:
            raise CloudUnreachable(f"{action}: the service returned {response.status_code}")
        try:
            body = response.json() if response.content else None
        except ValueError:
            body = None
        return response.status_code, body, str(response.headers.get("x-openstack-request-id") or "")

    def _raise_refused(self, status: int, body: Any, action: str) -> NoReturn:
        refusal = classify_refusal(status, body)
        raise CloudRequestRefused(f"{action}: {refusal.message}", refusal.code)
