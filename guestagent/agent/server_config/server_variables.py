"""The variables of a running server that decide how it can be configured. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from guestagent.agent.server_config.settings import RunningServer
from guestagent.database.server_version import parse_version

PATH_VARIABLES = (
    "datadir",
    "socket",
    "log_error",
    "log_bin",
    "log_bin_basename",
    "relay_log",
    "relay_log_basename",
)


def build_running_server(family: str, version: str, variables: Mapping[str, str]) -> RunningServer:
    """Build the description of the server that the settings are computed for."""
    return RunningServer(
        family, parse_version(version), _get_binary_log_name(variables), _get_relay_log_name(variables)
    )


def find_error_log(variables: Mapping[str, str]) -> str:
    """Find the path of the error log, "" if the service manager has it."""
    log = variables.get("log_error", "")
    if not log or log == "stderr":
        return ""
    return posixpath.join(variables.get("datadir", "/"), log.removeprefix("./"))


def _get_binary_log_name(variables: Mapping[str, str]) -> str:
    """Return the present name of the binary log: a new name would begin a log without the events that replicas need."""
    if variables.get("log_bin") != "ON":
        return ""
    return _get_relative_name(variables.get("log_bin_basename") or "", variables)


def _get_relay_log_name(variables: Mapping[str, str]) -> str:
    return _get_relative_name(variables.get("relay_log") or "", variables)


def _get_relative_name(path: str, variables: Mapping[str, str]) -> str:
    folder = variables.get("datadir") or "/"
    return path.removeprefix(folder if folder.endswith("/") else f"{folder}/")
