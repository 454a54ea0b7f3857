"""Every rule of the cloud's contract, in the order of its areas."""

from __future__ import annotations

from tests.contract.cloud.rule_area import CloudRule
from tests.contract.cloud.rules import (
    attachments,
    compute_quotas,
    compute_requests,
    group_rules,
    groups,
    network_quotas,
    ports,
    resizes,
    server_actions,
    server_creation,
    server_deletion,
    server_group_members,
    server_lists,
    server_ports,
    server_request_checks,
    server_tags,
    server_volumes,
    service_answers,
    volume_attachments,
    volume_creation,
    volume_deletion,
    volume_growth,
    volume_lists,
    volume_metadata,
    volume_quotas,
    volumes_in_resizes,
)

COMPUTE_AREAS = (
    server_creation.area,
    server_request_checks.area,
    server_volumes.area,
    server_ports.area,
    volume_attachments.area,
    server_actions.area,
    resizes.area,
    volumes_in_resizes.area,
    server_deletion.area,
    server_lists.area,
    server_tags.area,
    server_group_members.area,
    compute_requests.area,
    compute_quotas.area,
)
VOLUME_AREAS = (
    *(volume_creation.area, volume_deletion.area, volume_growth.area, volume_metadata.area),
    *(volume_lists.area, volume_quotas.area, attachments.area),
)
NETWORK_AREAS = (groups.area, group_rules.area, ports.area, network_quotas.area)
AREAS = (*COMPUTE_AREAS, *VOLUME_AREAS, *NETWORK_AREAS, service_answers.area)
CLOUD_RULES: tuple[CloudRule, ...] = tuple(rule for area in AREAS for rule in area)
