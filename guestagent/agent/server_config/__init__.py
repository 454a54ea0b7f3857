"""The database server's configuration: settings, option file, and restarts. `ServerConfiguration` applies it."""

from guestagent.agent.server_config.conditions import (
    CONDITION_NAME,
    judge_configuration,
    judge_unmanaged_host,
)
from guestagent.agent.server_config.option_file_change import (
    ConfigurationDependencies,
    ServerConfiguration,
)
from guestagent.agent.server_config.plan import (
    ConfigurationSnapshot,
    ConfigurationStep,
    RestartServer,
    WriteOptions,
    plan_steps,
)

__all__ = [
    "CONDITION_NAME",
    "ConfigurationDependencies",
    "ConfigurationSnapshot",
    "ConfigurationStep",
    "RestartServer",
    "ServerConfiguration",
    "WriteOptions",
    "judge_configuration",
    "judge_unmanaged_host",
    "plan_steps",
]
