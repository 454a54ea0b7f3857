"""The passwords that Heat makes for its users: 32 characters, a few signs among them, never a `$`."""

from __future__ import annotations

from guestagent.embedded.heat.values import random_text
from guestagent.secret import Secret

CLASSES = ("lowercase", "uppercase", "digits")
SIGNS = "!@#%^&*"


def password() -> Secret:
    """A new one."""
    return Secret(
        random_text(
            {
                "length": 32,
                "character_classes": [{"class": name, "min": 1} for name in CLASSES],
                "character_sequences": [{"sequence": SIGNS, "min": 1}],
            }
        )
    )
