"""What ORCHESTRATOR makes of orders when they are accepted: the way to the stack, and refusals. Pure.

The store does not know what is in a stack, so an order for an instance that does not exist is accepted, and fails when
the stack is read.
"""

from __future__ import annotations

from dataclasses import replace

from guestagent.controller.cluster_file import ClusterFile, read_document
from guestagent.controller.template import render
from guestagent.errors import InvalidCluster, OrderRefused, Problem
from guestagent.resources.description import build_plain_description
from guestagent.resources.following import FollowedSource, add_admission, remove_admission
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orchestrator.client_rules import check_rules
from guestagent.resources.orchestrator.stack_reference import StackReference, dump_reference, load_reference
from guestagent.resources.orders import (
    AddInstance,
    AdmitFollower,
    Clean,
    CreateCluster,
    CreateRules,
    CreateSecurityGroup,
    DeleteCluster,
    DeleteInstance,
    DeleteRules,
    DeleteSecurityGroup,
    MigrateInstance,
    Order,
    RegisterCluster,
    RenewInstance,
    ReplaceInstance,
    ResizeInstance,
    ResizeVolume,
    RestartInstance,
    RevokeFollower,
    UnregisterCluster,
    UpdateRuleCidr,
)
from guestagent.resources.source_directory import SourceDirectory

STACK_ORDERS = frozenset(
    each.kind
    for each in (
        AddInstance,
        AdmitFollower,
        Clean,
        CreateCluster,
        CreateRules,
        CreateSecurityGroup,
        DeleteCluster,
        DeleteInstance,
        DeleteRules,
        DeleteSecurityGroup,
        MigrateInstance,
        RegisterCluster,
        RenewInstance,
        ReplaceInstance,
        ResizeInstance,
        ResizeVolume,
        RevokeFollower,
        RestartInstance,
        UnregisterCluster,
        UpdateRuleCidr,
    )
)


FOLLOWER_ORDERS = frozenset({AdmitFollower.kind, RevokeFollower.kind})
"""They need the keys of the service, for the passwords."""


def apply_stack_order(wanted: str | None, order: Order, sources: SourceDirectory) -> str:
    """Return the document as the order changes it. Raise OrderRefused if the order cannot be carried out."""
    reference = None if wanted is None else load_reference(wanted)
    if reference is not None and not reference.is_wanted:
        reference = None
    if isinstance(order, CreateCluster | RegisterCluster):
        if reference is not None:
            raise OrderRefused(RefusalCode.EXISTS, f"cluster {order.cluster} exists")
        if isinstance(order, RegisterCluster):
            return dump_reference(StackReference(name=order.cluster))
        followed = sources.find_source(order)
        read_stack_description(order, followed)
        return dump_reference(StackReference(name=order.cluster, followed=followed))
    if reference is None:
        raise OrderRefused(RefusalCode.NOT_FOUND, f"there is no cluster {order.cluster}")
    if isinstance(order, AdmitFollower | RevokeFollower):
        return dump_reference(_change_admissions(reference, order, sources))
    check_rules(order)
    return dump_reference(replace(reference, is_wanted=not isinstance(order, DeleteCluster)))


def _change_admissions(
    reference: StackReference, order: AdmitFollower | RevokeFollower, sources: SourceDirectory
) -> StackReference:
    """Return the way to the stack with the admissions as the order changes them."""
    if isinstance(order, RevokeFollower):
        return replace(reference, admissions=remove_admission(reference.admissions, order))
    if reference.followed is not None:
        raise OrderRefused(
            RefusalCode.REFUSED,
            f"cluster {order.cluster} follows another one: it has no source to be followed",
        )
    key_id = sources.newest_key_id
    if key_id is None:
        raise OrderRefused(
            RefusalCode.UNSUPPORTED,
            "this service has no keys for the passwords of followers: it needs an endpoint",
        )
    return replace(reference, admissions=add_admission(reference.admissions, order, key_id))


def read_stack_description(order: CreateCluster, followed: FollowedSource | None = None) -> ClusterFile:
    """Return the cluster that the order describes. Raise OrderRefused (`invalid`) with every problem.

    A description names no files: they would be the service's.
    """
    try:
        content = read_document(build_plain_description(order, followed))
        render(content.cluster.in_dialect(content.dialect or content.cluster.dialect))
    except InvalidCluster as error:
        problems = tuple(map(_move_problem, error.problems))
        raise OrderRefused(RefusalCode.INVALID, "the description is invalid", problems) from error
    return content


def _move_problem(problem: Problem) -> Problem:
    path = "description" if problem.path == "document" else f"description.{problem.path}"
    return replace(problem, path=path)
