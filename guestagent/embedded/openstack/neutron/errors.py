"""The errors of Neutron. The name of a class is the `type` in the answer, which tells one 409 from another."""

from __future__ import annotations

from guestagent.embedded.http.errors import ApiError, EntityNotFound


class PortNotFound(EntityNotFound):
    """No such port."""

    def __init__(self, port_id: str) -> None:
        super().__init__(f"Port {port_id} could not be found.")


class NetworkNotFound(EntityNotFound):
    """No such network."""

    def __init__(self, network_id: str) -> None:
        super().__init__(f"Network {network_id} could not be found.")


class SubnetNotFound(EntityNotFound):
    """No such subnet."""

    def __init__(self, subnet_id: str) -> None:
        super().__init__(f"Subnet {subnet_id} could not be found.")


class SecurityGroupNotFound(EntityNotFound):
    """No such security group."""

    def __init__(self, group_id: str) -> None:
        super().__init__(f"Security group {group_id} does not exist")


class SecurityGroupRuleNotFound(EntityNotFound):
    """No such rule of a security group."""

    def __init__(self, rule_id: str) -> None:
        super().__init__(f"Security group rule {rule_id} does not exist")


class AddressGroupNotFound(EntityNotFound):
    """No such group of addresses: there are none here."""

    def __init__(self, group_id: str) -> None:
        super().__init__(f"Address group {group_id} could not be found.")


class NetworkConflict(ApiError):
    """A request that does not fit what is there."""

    status = 409


class OverQuota(NetworkConflict):
    """A request above the project's quota."""


class IpAddressAlreadyAllocated(NetworkConflict):
    """An address that another port has."""


class IpAddressGenerationFailure(NetworkConflict):
    """A network without a free address."""


class SecurityGroupInUse(NetworkConflict):
    """A group that a port still has."""


class SecurityGroupDefaultAlreadyExists(NetworkConflict):
    """A second group of the name that belongs to the project's own."""

    def __init__(self) -> None:
        super().__init__("Default security group already exists.")


class SecurityGroupCannotRemoveDefault(NetworkConflict):
    """Only an administrator removes the project's default group."""

    def __init__(self) -> None:
        super().__init__("Insufficient rights for removing default security group.")


class SecurityGroupCannotUpdateDefault(NetworkConflict):
    """The name of the project's default group stays."""

    def __init__(self) -> None:
        super().__init__("Updating default security group not allowed.")


class SecurityGroupRuleExists(NetworkConflict):
    """An equal rule is there; the message has its id."""

    def __init__(self, rule_id: str) -> None:
        super().__init__(f"Security group rule already exists. Rule id is {rule_id}.")


class DuplicateSecurityGroupRuleInPost(NetworkConflict):
    """Two equal rules in one request."""

    def __init__(self) -> None:
        super().__init__("Duplicate Security Group Rule in POST.")


class RevisionNumberConstraintFailed(ApiError):
    """A change that was meant for another revision of an object."""

    status = 412

    def __init__(self, expected: int, current: int) -> None:
        super().__init__(f"Constrained to {expected}, but current revision is {current}")


class HTTPInternalServerError(ApiError):
    """A request that Neutron does not understand, and does not say so."""

    status = 500

    def __init__(self) -> None:
        super().__init__("Request Failed: internal server error while processing your request.")


class WrongKindOfValue(ApiError):
    """A value of the wrong type."""

    @property
    def error_type(self) -> str:
        return "InvalidInput"


class InvalidIpForNetwork(ApiError):
    """An address of no subnet of the network."""


class InvalidCIDR(ApiError):
    """A prefix that is none."""


class SecurityGroupInvalidPortValue(ApiError):
    """A port that is none."""


class SecurityGroupInvalidPortRange(ApiError):
    """A range of ports that ends before it begins."""


class SecurityGroupProtocolRequiredWithPorts(ApiError):
    """Ports without a protocol."""


class SecurityGroupInvalidProtocolForPort(ApiError):
    """Ports of a protocol that has none."""


class SecurityGroupInvalidIcmpValue(ApiError):
    """A type or a code of ICMP above 255."""


class SecurityGroupMissingIcmpType(ApiError):
    """A code of ICMP without a type."""


class SecurityGroupRuleInvalidEtherType(ApiError):
    """Neither IPv4 nor IPv6."""


class SecurityGroupRuleInvalidProtocol(ApiError):
    """A protocol that Neutron does not know."""


class SecurityGroupEthertypeConflictWithProtocol(ApiError):
    """A protocol of IPv6 in a rule of IPv4."""


class SecurityGroupRuleParameterConflict(ApiError):
    """A prefix of the other IP version."""


class SecurityGroupMultipleRemoteEntites(ApiError):
    """A prefix and a group. Neutron spells it so."""


class SecurityGroupNotSingleGroupRules(ApiError):
    """Rules of several groups in one request."""
