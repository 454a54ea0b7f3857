"""The lines of the agent's option file. Pure."""

from __future__ import annotations

HEADER = """\
# Managed by guestagent: what is edited here is overwritten at its next look.
# To set something else, say it in the node's metadata: GuestAgent.Variables, which is `variables:` in cluster.yaml.
# Lines that explain themselves stand above each setting.
"""


def render_setting(name: str, value: str, reason: str) -> str:
    """Render one setting below its reason."""
    return f"\n# {reason}\n{name} = {value}\n"


def parse_option_file(content: str) -> dict[str, str]:
    """Read the variables of an option file, and their values, without its comments."""
    pairs = (line.partition("=") for line in content.splitlines() if not line.startswith(("#", ";", "[")))
    return {name.strip().replace("-", "_"): value.strip() for name, equals, value in pairs if equals}
