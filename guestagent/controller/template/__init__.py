"""Clusters as templates and back, in both template formats."""

from guestagent.controller.template.node_metadata import get_role, list_parameters, stack_timeout_minutes
from guestagent.controller.template.parser import parse
from guestagent.controller.template.renderer import render

__all__ = ["get_role", "list_parameters", "parse", "render", "stack_timeout_minutes"]
