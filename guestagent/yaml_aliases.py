"""Limits what the aliases of a YAML text repeat: aliases of aliases make billions of values of a few lines."""

from __future__ import annotations

import yaml
from yaml.composer import ComposerError

ALIAS_LIMIT_CHARACTERS = 512 * 1024
"""As much as a whole template may have in Heat. A list or a mapping counts as one, a value as one more than it has."""


class TooManyAliases(yaml.MarkedYAMLError):
    """Aliases that repeat more than the limit. `problem_mark` is the first one above it."""


class AliasLimitingLoader(yaml.SafeLoader):
    """A loader that rejects aliases when they repeat too much, and those within the value that they repeat."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.repeated_characters = 0
        self._written_characters = 0
        self._anchor_sizes: dict[str, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        size_before = self._count_all()
        node = super().compose_node(parent, index)
        if isinstance(event, yaml.AliasEvent):
            self._repeat(event)
            return node
        self._written_characters += 1 + (len(node.value) if isinstance(node, yaml.ScalarNode) else 0)
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._anchor_sizes[event.anchor] = self._count_all() - size_before
        return node

    def _count_all(self) -> int:
        return self._written_characters + self.repeated_characters

    def _repeat(self, alias: yaml.AliasEvent) -> None:
        mark = alias.start_mark
        assert isinstance(mark, yaml.Mark), "as the loader in Python has it"
        if alias.anchor not in self._anchor_sizes:  # the value is not at its end yet
            raise ComposerError(None, None, "an alias within the value that it repeats", mark)
        self.repeated_characters += self._anchor_sizes[alias.anchor]
        if self.repeated_characters > ALIAS_LIMIT_CHARACTERS:
            raise TooManyAliases(problem_mark=mark)
