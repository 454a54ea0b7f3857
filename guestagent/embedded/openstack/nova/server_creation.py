"""Creates the server that a request asks for, with its ports. What the request names has to be there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from guestagent.embedded.http.errors import ApiError, EntityNotFound, HTTPBadRequest
from guestagent.embedded.openstack.glance.images import Image, find_image
from guestagent.embedded.openstack.neutron.errors import OverQuota
from guestagent.embedded.openstack.neutron.network import NETWORK_ID, Port
from guestagent.embedded.openstack.nova.compute_server import HOSTS, ZONE_NAME, WrongState
from guestagent.embedded.openstack.nova.flavors import Flavor, find_flavor
from guestagent.embedded.openstack.nova.server_groups import ServerGroup, ServerGroups
from guestagent.embedded.openstack.nova.server_request import RequestedNetwork, ServerRequest
from guestagent.embedded.openstack.nova.servers import NO_NETWORK, Compute


class PortLimitExceeded(ApiError):
    """The server's port is one more than the project may have."""

    status = 403


def require_flavor(flavor_id: str) -> Flavor:
    """Return the flavor of that id, not of that name."""
    flavor = find_flavor(flavor_id)
    if flavor is None or flavor.id != flavor_id:
        raise HTTPBadRequest(f"Flavor {flavor_id} could not be found.")
    return flavor


class ServerCreation:
    """What the API does to create a server. Heat creates its own ones in `Compute`."""

    def __init__(self, compute: Compute, groups: ServerGroups) -> None:
        self._compute, self._groups = compute, groups

    async def create(self, request: ServerRequest) -> str:
        """Start to create a server, and return its id. A refusal leaves nothing."""
        flavor, image = require_flavor(request.flavor), _require_image(request.image)
        if request.zone not in (None, ZONE_NAME):
            raise HTTPBadRequest("The requested availability zone is not available")
        if request.key_name is not None and request.key_name not in self._compute.public_keys:
            raise HTTPBadRequest("Invalid key_name provided.")
        groups = self._find_security_groups(request.groups)
        server_group = None if request.server_group is None else self._find_server_group(request.server_group)
        with ExitStack() as stack:
            ports = self._prepare_ports(request.networks, groups, stack)
            server_id = await self._compute.create(
                request.name,
                flavor.name,
                image.name,
                request.user_data,
                request.key_name,
                ports[0].id if ports else NO_NETWORK,
                metadata=request.metadata,
                tags=request.tags,
                volumes=request.volumes,
                host=HOSTS[0] if server_group is None else self._groups.choose_host(server_group),
            )
            stack.pop_all()
        server = self._compute.get_server(server_id)
        server.description, server.has_config_drive = request.description, request.has_config_drive
        for port in ports:
            port.server_id = server_id
        if server_group is not None:
            server_group.server_ids.append(server_id)
        return server_id

    def _prepare_ports(
        self, networks: Sequence[RequestedNetwork] | None, groups: Sequence[str], stack: ExitStack
    ) -> list[Port]:
        """Find or create the ports. The stack removes those that were created."""
        ports = []
        for network in (RequestedNetwork(network_id=NETWORK_ID),) if networks is None else networks:
            if network.port_id:
                ports.append(self._find_free_port(network.port_id))
            else:
                ports.append(self._create_port(network, groups))
                stack.callback(self._compute.networking.remove_port, ports[-1].id)
        return ports

    def _find_free_port(self, port_id: str) -> Port:
        try:
            port = self._compute.networking.find_port(port_id)
        except EntityNotFound as error:
            raise HTTPBadRequest(f"Port id {port_id} could not be found.") from error
        if port.server_id:
            raise WrongState(f"Port {port_id} is still in use.")
        return port

    def _create_port(self, network: RequestedNetwork, groups: Sequence[str]) -> Port:
        networking = self._compute.networking
        if network.network_id != NETWORK_ID:
            raise HTTPBadRequest(f"Network {network.network_id} could not be found.")
        for port in networking.ports.values():
            if network.address and port.address == network.address:
                raise HTTPBadRequest(
                    f"Fixed IP address {network.address} is already in use on instance {port.server_id}."
                )
        try:
            return networking.add_port(groups=groups, address=network.address or None, is_server_owned=True)
        except OverQuota as error:
            raise PortLimitExceeded("Maximum number of ports exceeded") from error

    def _find_security_groups(self, names: Sequence[str]) -> list[str]:
        """Return the ids of security groups, by default that of the project."""
        groups = self._compute.networking.groups
        if not names:
            return [next(iter(groups))]
        found = {name: id_ for id_, group in groups.items() for name in (group.name, id_)}
        for name in names:
            if name not in found:
                raise HTTPBadRequest(f"Unable to find security_group with name or id '{name}'")
        return [found[name] for name in names]

    def _find_server_group(self, group_id: str) -> ServerGroup:
        group = self._groups.groups.get(group_id)
        if group is None:
            raise HTTPBadRequest(f"Instance group {group_id} could not be found.")
        return group


def _require_image(image_id: str) -> Image:
    image = find_image(image_id)
    if image is None:
        raise HTTPBadRequest("Can not find requested image")
    return image
