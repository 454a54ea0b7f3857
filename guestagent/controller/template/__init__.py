"""Clusters as templates and back, in both template formats."""

from guestagent.controller.template.follower_metadata import list_shared_passwords
from guestagent.controller.template.node_metadata import (
    get_role,
    has_parameters,
    list_parameters,
    list_special_passwords,
)
from guestagent.controller.template.parser import parse, read_cluster
from guestagent.controller.template.renderer import render
from guestagent.controller.template.seeding_metadata import has_expiring_url
from guestagent.controller.template.stack_limits import stack_timeout_minutes
from guestagent.controller.template.volume_resources import check_volume_owner

__all__ = [
    "check_volume_owner",
    "get_role",
    "has_expiring_url",
    "has_parameters",
    "list_parameters",
    "list_shared_passwords",
    "list_special_passwords",
    "parse",
    "read_cluster",
    "render",
    "stack_timeout_minutes",
]
