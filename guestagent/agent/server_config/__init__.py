"""The database server's configuration: what it should be, the option file, restarts; `ServerConfiguration` does it."""

from guestagent.agent.server_config.option_file_change import (
    ConfigurationDependencies,
    ServerConfiguration,
    judge_unmanaged_host,
)
from guestagent.agent.server_config.plan import (
    CONDITION_NAME,
    ConfigurationSnapshot,
    ConfigurationStep,
    RestartServer,
    WriteOptions,
    judge_configuration,
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
