"""Clusters as templates and back, in both dialects."""

from guestagent.controller.render.contents import parameters, role, stack_timeout_minutes
from guestagent.controller.render.dialects import render
from guestagent.controller.render.reading import parse

__all__ = ["parameters", "parse", "render", "role", "stack_timeout_minutes"]
