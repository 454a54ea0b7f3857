"""The passwords that Heat generates for its users: 32 characters with some symbols, never a `$`."""

from __future__ import annotations

from guestagent.embedded.heat.resources.random_string import generate_random_text
from guestagent.secret import Secret

PASSWORD_CLASSES = ("lowercase", "uppercase", "digits")
SYMBOLS = "!@#%^&*"


def generate_password() -> Secret:
    """Generate a new password."""
    return Secret(
        generate_random_text(
            {
                "length": 32,
                "character_classes": [{"class": name, "min": 1} for name in PASSWORD_CLASSES],
                "character_sequences": [{"sequence": SYMBOLS, "min": 1}],
            }
        )
    )
