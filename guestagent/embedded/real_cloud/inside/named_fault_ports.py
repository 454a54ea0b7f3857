"""An ML2 mechanism driver that binds every port at once, without an agent, unless its name has `fail-bind`."""

from typing import Any

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api


class NamedFaultPortDriver(api.MechanismDriver):
    """Binds a port as Open vSwitch would. It is ACTIVE as soon as it has a host."""

    def initialize(self) -> None:
        """Nothing to set up."""

    @property
    def connectivity(self) -> str:
        return str(portbindings.CONNECTIVITY_L2)

    def bind_port(self, context: Any) -> None:
        if "fail-bind" in (context.current["name"] or ""):
            return
        segment = context.segments_to_bind[0]
        filters = {portbindings.CAP_PORT_FILTER: True}
        context.set_binding(
            segment[api.ID], portbindings.VIF_TYPE_OVS, filters, status=constants.PORT_STATUS_ACTIVE
        )
