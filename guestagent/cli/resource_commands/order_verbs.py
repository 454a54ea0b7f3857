"""The verbs of `guestagent resources` that give orders: one for each kind of order."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.cli.confirmation import confirm_by_name
from guestagent.cli.error_report import report_interrupt
from guestagent.cli.output import write_log_line
from guestagent.cli.resource_commands import connection
from guestagent.cli.resource_commands.exit_codes import WAIT_CODES, format_manager_codes
from guestagent.cli.resource_commands.operation_verbs import (
    add_wait_options,
    check_timeout,
    finish_operation,
    show_accepted,
)
from guestagent.cli.resource_commands.order_arguments import (
    add_order_arguments,
    build_order,
    name_arguments,
)
from guestagent.cli.resource_commands.rule_arguments import find_rule_by_network
from guestagent.errors import ServiceUnreachable
from guestagent.resources.interface import ResourceManager
from guestagent.resources.order_shapes import ORDER_TYPES
from guestagent.resources.orders import DeleteCluster, DeleteInstance, Order, VolumeFate


@dataclass(frozen=True, slots=True)
class OrderVerb:
    """The name of a verb, its line in the list of verbs, and what its own help begins with."""

    name: str
    help: str
    description: str


ORDER_VERBS: Mapping[str, OrderVerb] = {
    "create_cluster": OrderVerb(
        "create",
        "create the cluster of a cluster.yaml",
        "Create a cluster: groups, data volumes, ports, servers. It is done when every node has proved that it is "
        "ready. Beside the keys of a cluster.yaml the file has `volume` ({size_gib: 10, type: NAME}) and `zone`, for "
        "all nodes or for one of them.",
    ),
    "delete_cluster": OrderVerb(
        "delete",
        "delete a cluster; its data volumes as you say",
        "Delete a cluster: replicas, source, ports, groups. You must say what becomes of its data volumes. Volumes "
        "that are kept stay in Cinder, and no cluster can use them again: `guestagent resources audit` lists them.",
    ),
    "add_instance": OrderVerb(
        "add-instance",
        "add a replica",
        "Add a replica with a data volume. It gets the data of the source, and is done when it has proved itself.",
    ),
    "delete_instance": OrderVerb(
        "delete-instance",
        "remove a replica; its data volume as you say",
        "Remove a replica with its server and port. You must say what becomes of its data volume. One that is kept "
        "stays in Cinder, and no instance can use it again. The source cannot be removed alone.",
    ),
    "replace_instance": OrderVerb(
        "replace-instance",
        "give an instance a new server with the same volume and port",
        "Give an instance a new server in place of one that is broken or gone. Its data volume, its port and its "
        "addresses stay. If its host is down, make sure first that the host is off: two servers could write to the "
        "volume.",
    ),
    "resize_instance": OrderVerb(
        "resize-instance",
        "give an instance another flavor; its server restarts",
        "Resize an instance. The cloud's resize is confirmed when the node has proved itself on the new flavor. If it "
        "does not, the operation fails, and the instance has its old flavor again; with --on-failure keep it stays on "
        "the new one. On the source, writes stop meanwhile.",
    ),
    "migrate_instance": OrderVerb(
        "migrate-instance",
        "move an instance to another host; its server restarts",
        "Move an instance to another host of the cloud's choice. Its server restarts; on the source, writes stop "
        "meanwhile. The cloud's policy must allow it: by default Nova leaves it to administrators.",
    ),
    "restart_instance": OrderVerb(
        "restart-instance",
        "restart the server of an instance",
        "Restart the server of an instance, and wait until its node has proved itself again.",
    ),
    "resize_volume": OrderVerb(
        "resize-volume",
        "grow the data volume of an instance while it is in use",
        "Grow the data volume of an instance, online. It is done when the node uses the new size. No volume shrinks.",
    ),
    "create_security_group": OrderVerb(
        "create-group",
        "create another security group for all instances",
        "Create a security group, and add it to all instances of the cluster.",
    ),
    "delete_security_group": OrderVerb(
        "delete-group",
        "take a security group from all instances and delete it",
        "Take a security group from all instances and delete it. The group `database` stays as long as its cluster.",
    ),
    "create_rules": OrderVerb(
        "add-rules",
        "add rules to a security group",
        "Add rules to a security group. A rule that is there already is left as it is.",
    ),
    "delete_rules": OrderVerb(
        "delete-rules",
        "remove rules from a security group",
        "Remove rules from a security group.",
    ),
    "update_rule_cidr": OrderVerb(
        "update-rule",
        "give a rule another network, without a moment without either",
        "Give a rule another network. The new rule is in force before the old one is deleted.",
    ),
    "renew_instance": OrderVerb(
        "renew-instance",
        "let an instance prove itself again",
        "Let the node of an instance prove itself again, in its next generation. Nothing restarts. After an order that "
        "has failed it lets the node try again.",
    ),
    "rotate_passwords": OrderVerb(
        "rotate-passwords",
        "give the replicas new passwords, and all nodes addresses signed with the newest key",
        "Rotate the passwords of a cluster without Heat (of a stack: `guestagent cluster rotate`). Replication goes "
        "on: the source accepts the old passwords until every replica has proved its new one. Passwords and addresses "
        "come from the service's newest key.",
    ),
    "clean": OrderVerb(
        "clean",
        "delete what an audit has found",
        "Delete what `guestagent resources audit` has found, by the ids of the findings. What has changed since the "
        "audit is left alone. A data volume is deleted only if it is named itself.",
    ),
    "admit_follower": OrderVerb(
        "admit",
        "let the replicas of another cluster follow this one's source",
        "Let the replicas of another cluster replicate from the source of this one. It is done when the source has "
        "proved their account. Then create the other cluster, with `source: {cluster: CLUSTER}` in its file.",
    ),
    "revoke_follower": OrderVerb(
        "revoke",
        "take back what admit has allowed",
        "Let a cluster no longer follow the source of this one. Delete the follower first.",
    ),
    "register_cluster": OrderVerb(
        "register",
        "take a stack that exists into the manager's care",
        "Register a cluster whose stack exists, by the stack's name. Nothing in the cloud is touched. The service "
        "must have the engine orchestrator or migration.",
    ),
    "unregister_cluster": OrderVerb(
        "unregister",
        "let go of a cluster; its stack stays",
        "Remove a cluster that is a stack from the manager's store. Nothing in the cloud is touched.",
    ),
}
"""The verbs by the kind of their orders. Their arguments come from the declarations of the orders."""
CONFIRMED_KINDS = frozenset({"delete_cluster", "delete_instance", "clean"})
"""Orders that delete what may hold data. A person is asked first."""
CONFIRMED_CODES: Mapping[int, str] = {
    2: "invalid input or settings, not confirmed, or neither a terminal nor --yes"
}


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add a verb for each kind of order to `resources`."""
    for kind in ORDER_TYPES:
        verb = ORDER_VERBS[kind]
        codes = CONFIRMED_CODES if kind in CONFIRMED_KINDS else {}
        parser = verbs.add_parser(
            verb.name,
            help=verb.help,
            description=verb.description,
            epilog=format_manager_codes({0: "accepted; with --wait: done"}, WAIT_CODES, codes),
        )
        add_order_arguments(parser, kind)
        if kind in CONFIRMED_KINDS:
            parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
        add_wait_options(parser)
        connection.add_connection_options(parser)
        parser.set_defaults(run=run_order, kind=kind)


def run_order(args: argparse.Namespace) -> int:
    """Give an order, and wait for its operation or return at once."""
    check_timeout(args)
    if getattr(args, "cidr", None) is not None:
        with connection.open_manager(args) as manager:
            groups = manager.security_groups(args.cluster)
            args.rule = find_rule_by_network(groups, args.group, args.cidr, args.network).key
            return _submit(args, manager, build_order(args, args.kind))
    order = build_order(args, args.kind)
    if args.kind in CONFIRMED_KINDS and not args.yes:
        confirm_deletion(order)
    with connection.open_manager(args) as manager:
        return _submit(args, manager, order)


def _submit(args: argparse.Namespace, manager: ResourceManager, order: Order) -> int:
    if args.request_id is None:
        write_log_line(f"request id: {order.request_id}")
    repeat = f"the order may have been accepted: repeat this command with --request-id {order.request_id}"
    try:
        with name_arguments(args, args.kind):
            operation = manager.submit(order)
    except ServiceUnreachable as error:
        raise ServiceUnreachable(f"{error}; {repeat}") from error
    except KeyboardInterrupt:
        return report_interrupt(f"interrupted; {repeat}", args.json)
    return (
        finish_operation(args, manager, operation) if args.wait else show_accepted(args, manager, operation)
    )


def confirm_deletion(order: Order) -> None:
    """Ask a person to confirm what an order deletes. Raise InvalidInput unless they do."""
    name = order.cluster
    if isinstance(order, DeleteCluster):
        data = {VolumeFate.DELETE: "all data on the data volumes", VolumeFate.KEEP: "no data volume"}
        warning = f"This deletes {name}: every server, and {data[order.volumes]}."
    elif isinstance(order, DeleteInstance):
        name = order.instance
        data = {VolumeFate.DELETE: "all data on its data volume", VolumeFate.KEEP: "not its data volume"}
        warning = f"This deletes {name} of {order.cluster}: its server, and {data[order.volume]}."
    else:
        warning = f"This deletes what an audit has found of {name}."
    confirm_by_name(warning, name, "nothing was deleted")
