"""The last errors of a server that did not start, and the variables that they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from guestagent.agent.service_control import ServiceControl

LOG_TAIL_LIMIT = 20000  # bytes
ERROR_LINES_LIMIT = 3
ERROR_TEXT_LIMIT = 300
READY_TEXT = "ready for connections"
"""Both families log it when a start has succeeded."""
PACKAGED_ERROR_LOGS = {
    "mariadb": ("/var/log/mysql/error.log", "/var/log/mariadb/mariadb.log"),
    "mysql": ("/var/log/mysql/error.log", "/var/log/mysqld.log"),
}
"""The error logs of the packages of Debian and of RPM systems, if the service manager has none."""
NOISE_PATTERN = re.compile(r"WSREP:|Aborting\s*$|initialization aborted\s*$")


def read_last_errors(log_path: str, service_control: ServiceControl) -> str:
    """Read the last errors from the service manager's log of the server, or from the server's own log file."""
    # The file comes second: if the new option file has closed it, it holds only the errors of earlier starts.
    return extract_last_errors(service_control.read_log(), _read_tail(log_path))


def read_errors_since_ready(family: str, log_path: str, service_control: ServiceControl) -> str:
    """Read the last errors of a server that does not answer: those after it was ready for the last time.

    `log_path`: its error log, "" if that is not known.
    """
    paths = (log_path,) if log_path else PACKAGED_ERROR_LOGS.get(family, ())
    logs = (service_control.read_log(), *(_read_tail(path) for path in paths))
    return extract_last_errors(*(log.rpartition(READY_TEXT)[2] for log in logs))


def extract_last_errors(*logs: str) -> str:
    """Extract the last errors of the first log that has any, without the statements that a server quotes."""
    for log in logs:
        errors = [
            line for line in log.splitlines() if re.search(r"\[ERROR\]|unknown variable|option .* ", line)
        ]
        messages = [_strip_prefix(line) for line in errors if not NOISE_PATTERN.search(line)]
        if messages:
            return " / ".join(dict.fromkeys(messages[-ERROR_LINES_LIMIT:]))[:ERROR_TEXT_LIMIT]
    return ""


def find_blamed_settings(errors: str, old_text: str, new_text: str) -> tuple[str, ...]:
    """Find the settings of the new file that the errors name; if they name none, those that changed."""
    old_settings = dict(_iterate_settings(old_text))
    return find_named_settings(errors, new_text) or tuple(
        name for name, value in _iterate_settings(new_text) if old_settings.get(name) != value
    )


def find_named_settings(errors: str, text: str) -> tuple[str, ...]:
    """Find the settings of an option file that the errors name."""
    normalized = errors.replace("-", "_").lower()
    return tuple(
        name for name in dict(_iterate_settings(text)) if re.search(rf"\b{re.escape(name)}\b", normalized)
    )


def _iterate_settings(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            yield name.strip().replace("-", "_"), value.strip()


def _strip_prefix(line: str) -> str:
    """Remove date, thread and program, which differ each time."""
    text = re.sub(r"^.*?\[ERROR\]\s*", "", line.partition("Query:")[0])
    return " ".join(re.sub(r"^(\[[^\]]*\]\s*)*(\S*(mariadbd|mysqld): )?", "", text).split())


def _read_tail(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - LOG_TAIL_LIMIT))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
