"""Clusters as templates and back: the CloudFormation dialect."""

from guestagent.controller.render.cfn import render, role, stack_timeout_minutes
from guestagent.controller.render.reading import parse

__all__ = ["parse", "render", "role", "stack_timeout_minutes"]
