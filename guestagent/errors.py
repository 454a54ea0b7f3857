"""All errors of guestagent, as one tree, and the exit code of each.

    GuestAgentError                 exit code
    ├── InvalidInput                    2   a person or a controller wrote something invalid; carries every Problem
    │   ├── InvalidMetadata                 a node's metadata document
    │   ├── InvalidCluster                  a cluster.yaml, or a Cluster built in code
    │   ├── InvalidTemplate                 a template that does not describe a cluster
    │   ├── InvalidSettings                 the agent's configuration
    │   └── InvalidOrder                    an order to the resource manager
    ├── NotReady                        1   the server does not match the metadata (yet)
    ├── DatabaseError                   3   the database server
    │   ├── DatabaseUnreachable  (retry)    no answer, or none in time
    │   ├── DatabaseRefused                 an error from the server; carries its number
    │   └── DatabaseUnsupported             a server that the agent cannot manage
    ├── SignalError                     4   the wait condition handle
    │   ├── HandleUnreachable    (retry)    no answer, or one that does not concern the signal
    │   └── HandleRefused                   the handle will never accept this signal
    ├── CloudError                      5   Keystone or Heat
    │   ├── CloudUnreachable     (retry)    no answer, or a request to come back later
    │   └── CloudRefused                    the request was rejected
    │       └── CloudRequestRefused             one that would have changed something; carries a code
    ├── StackFailed                     6   the stack ended in a failed state; carries Heat's reason
    ├── DeadlineExceeded                7   a time limit is over
    ├── StorageError             (retry)    8   a file of guestagent cannot be read or written (full disk, permissions)
    ├── VolumeError                     9   the data volume: missing, foreign, damaged, or it holds something else
    ├── SeedError                      10   the data of a replica could not be copied from its source
    ├── DataMismatch                   11   the data of a replica differ from its source's
    ├── OrderRefused                   12   the resource manager did not accept an order; carries its code
    ├── ServiceUnreachable       (retry)   13   the resource manager's service did not answer
    ├── OperationFailed                14   an order was accepted, and not carried out; carries a code
    └── UnsupportedEnvironment         77   this machine lacks what the command needs (root, namespaces)

(retry): another attempt can succeed without a change.
An unexpected exception is a bug: the command line reports it in one line, with exit code 70.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

EXIT_OK = 0
EXIT_BUG = 70
EXIT_INTERRUPTED = 130


class GuestAgentError(Exception):
    """The root of the tree. `str()` returns one message that a person can act on.

    `details` holds what the JSON form of the error contains beside the message, by key.
    """

    exit_code: ClassVar[int] = EXIT_BUG
    details: Mapping[str, object] = MappingProxyType({})

    @property
    def advice(self) -> str:
        """The action to take, if the message does not contain it."""
        return ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One invalid value: its dotted path with list indexes, the expected value, the actual one, and the remedy."""

    path: str
    expected: str
    found: str
    do: str = ""

    def __str__(self) -> str:
        message = f"{self.path}: expected {self.expected}, found {self.found}"
        return f"{message} ({self.do})" if self.do else message


class InvalidInput(GuestAgentError):
    """Input that cannot be used. `problems` holds every problem in it, `where` is the name of the file."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem], where: str = "") -> None:
        super().__init__(problems, where)
        self.problems = tuple(problems)
        self.where = where

    def __str__(self) -> str:
        message = "; ".join(str(problem) for problem in self.problems)
        return f"{self.where}: {message}" if self.where else message


class InvalidMetadata(InvalidInput):
    """A metadata document of a node that violates the contract."""


class InvalidCluster(InvalidInput):
    """A cluster description, or an operation on a cluster, that makes no sense."""


class InvalidTemplate(InvalidInput):
    """A template that cannot be parsed as a cluster."""


class InvalidSettings(InvalidInput):
    """An invalid configuration of the agent."""


class InvalidOrder(InvalidInput):
    """An order to the resource manager that cannot be carried out as it is written."""


class NotReady(GuestAgentError):
    """A server that does not match its metadata; the message describes the worst condition."""

    exit_code = 1


class DatabaseError(GuestAgentError):
    """A failed request to the database server."""

    exit_code = 3


class DatabaseUnreachable(DatabaseError):
    """A server that does not answer, or not within the time limit of the query."""


class DatabaseRefused(DatabaseError):
    """An error from the server: its `number`, and its `text` without statements and secrets.

    `doing` is the action that failed. `skip_settings` are those with which channels that cannot be managed may have
    left out changes; None if the error is not about such channels.
    """

    def __init__(
        self, doing: str, number: int, text: str, skip_settings: tuple[str, ...] | None = None
    ) -> None:
        super().__init__(doing, number, text)
        self.doing, self.number, self.text = doing, number, text
        self.skip_settings = skip_settings

    def __str__(self) -> str:
        return f"{self.doing}: the server returned error {self.number}: {self.text}"


class DatabaseUnsupported(DatabaseError):
    """A server that the agent cannot manage: it is another product, too old, or a member of a group."""


class SignalError(GuestAgentError):
    """A signal that the wait condition handle did not accept."""

    exit_code = 4


class HandleUnreachable(SignalError):
    """No answer from the handle, or one that does not concern the signal itself."""


class HandleRefused(SignalError):
    """A signal that the handle rejects, however often it is sent."""


class CloudError(GuestAgentError):
    """A failed request to Keystone or Heat."""

    exit_code = 5


class CloudUnreachable(CloudError):
    """No answer from the cloud, or a request to come back later."""


class CloudRefused(CloudError):
    """A request that the cloud rejected; the message contains its reason."""


class CloudRequestRefused(CloudRefused):
    """A request of the resource manager that changed nothing. `code` is one of `RefusalCode`: quota, for example."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message, code)
        self.message, self.code = message, code

    def __str__(self) -> str:
        return self.message


class StackFailed(GuestAgentError):
    """A stack that ended in a failed state. `reason` is Heat's own."""

    exit_code = 6

    def __init__(self, stack: str, status: str, reason: str) -> None:
        super().__init__(stack, status, reason)
        self.stack, self.status, self.reason = stack, status, reason

    def __str__(self) -> str:
        return f"stack {self.stack} is {self.status}: {self.reason}"


class DeadlineExceeded(GuestAgentError):
    """A time limit that is over."""

    exit_code = 7


class StorageError(GuestAgentError):
    """A file of guestagent that cannot be read or written."""

    exit_code = 8


class VolumeError(GuestAgentError):
    """A data volume that must not be used. Nothing on it was lost, and the database server must not start."""

    exit_code = 9

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self._advice = advice

    @property
    def advice(self) -> str:
        return self._advice


class SeedError(GuestAgentError):
    """A seed that failed. `is_transient`: another attempt can succeed without a change by a person."""

    exit_code = 10

    def __init__(self, reason: str, advice: str = "", *, is_transient: bool = False) -> None:
        super().__init__(reason)
        self.is_transient = is_transient
        self._advice = advice

    @property
    def advice(self) -> str:
        return self._advice


class DataMismatch(GuestAgentError):
    """Data of a replica that differ from its source's. `guestagent verify` ends with its exit code."""

    exit_code = 11


class OrderRefused(GuestAgentError):
    """An order that the resource manager did not accept: nothing of it is done.

    `code` is one of `RefusalCode`. `reference` finds the reason of a bug in the service's log.
    """

    exit_code = 12

    def __init__(
        self, code: str, message: str, problems: Sequence[Problem] = (), reference: str = ""
    ) -> None:
        super().__init__(code, message, problems, reference)
        self.code, self.message, self.problems, self.reference = code, message, tuple(problems), reference
        self.details = {"code": str(code)} | ({"reference": reference} if reference else {})

    def __str__(self) -> str:
        return "; ".join((self.message, *map(str, self.problems)))


class ServiceUnreachable(GuestAgentError):
    """The service of the resource manager did not answer. An order may be accepted: ask again with the same id."""

    exit_code = 13


class OperationFailed(GuestAgentError):
    """An operation of the resource manager that failed or was cancelled, or that goes on only when a person helps.

    `code` is one of `RefusalCode`, or `cancelled`; `operation` is its document.
    """

    exit_code = 14

    def __init__(self, code: str, message: str, operation: Mapping[str, object]) -> None:
        super().__init__(code, message, operation)
        self.code, self.message, self.operation = str(code), message, operation
        self.details = {"code": self.code, "operation": operation}

    def __str__(self) -> str:
        return self.message


class UnsupportedEnvironment(GuestAgentError):
    """A machine that lacks something that the command needs."""

    exit_code = 77


def build_missing_extra_error(package: str, extra: str) -> UnsupportedEnvironment:
    """Build the error of a command whose optional packages are not installed. `extra` names them to pip."""
    return UnsupportedEnvironment(f"{package} is missing on this machine: install guestagent[{extra}]")
