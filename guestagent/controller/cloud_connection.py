"""Connects to Heat, and to servers and volumes. openstacksdk is imported only here, when it is needed."""

from __future__ import annotations

from guestagent.controller.hardware_api import NodeHardware
from guestagent.controller.heat_api import Heat
from guestagent.errors import build_missing_extra_error


def connect(cloud: str | None = None) -> Heat:
    """Return the Heat of the cloud of that name in clouds.yaml; None: of OS_CLOUD, or of the other OS_ variables.

    Raise CloudRefused if there is no such cloud, and UnsupportedEnvironment without openstacksdk, which
    `guestagent[controller]` installs. No request is made yet.
    """
    try:
        from guestagent.controller.openstack_heat import open_heat
    except ImportError as error:
        raise build_missing_extra_error(str(error.name), "controller") from error
    return open_heat(cloud)


def connect_hardware(heat: Heat) -> NodeHardware | None:
    """Return the way to Nova and Cinder over the session of `connect`; None for a Heat of another kind."""
    try:
        from guestagent.controller.openstack_hardware import OpenStackHardware
        from guestagent.controller.openstack_heat import OpenStackHeat
    except ImportError:
        return None
    return OpenStackHardware(heat.connection) if isinstance(heat, OpenStackHeat) else None
