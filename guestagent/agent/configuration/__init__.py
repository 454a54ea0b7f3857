"""The database server's configuration: what it should be, the option file, restarts; `Configuration` does it."""

from guestagent.agent.configuration.configuration import Configuration, Ground, unmanaged
from guestagent.agent.configuration.deciding import (
    NAME,
    Look,
    RestartServer,
    Step,
    WriteOptions,
    condition,
    steps,
)

__all__ = [
    "NAME",
    "Configuration",
    "Ground",
    "Look",
    "RestartServer",
    "Step",
    "WriteOptions",
    "condition",
    "steps",
    "unmanaged",
]
