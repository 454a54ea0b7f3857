"""Names in SQL texts. Pure."""

from __future__ import annotations

from guestagent.database.sql_statement import Statement


def quote_name(*parts: str) -> str:
    """Quote the parts of a name, such as a schema and a table."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def build_fixed_statement(text: str) -> Statement:
    """Build a statement from a complete text. Names may contain braces, which mark values elsewhere."""
    return Statement(text.replace("{", "{{").replace("}", "}}"))
