"""Every error of ours, as one tree.

    GuestAgentError                 exit code
    ├── InvalidInput                    2   what a person or a controller wrote is wrong; carries every Problem
    │   ├── InvalidMetadata                 a node's metadata document
    │   ├── InvalidCluster                  a cluster.yaml, or a Cluster built in code
    │   ├── InvalidTemplate                 a template that is not a cluster of ours
    │   └── InvalidSettings                 configuration of the agent
    ├── NotReady                        1   the server does not (yet) hold what the metadata wants
    ├── DatabaseError                   3   the database server
    │   ├── DatabaseUnreachable  (retry)    it does not answer, or not in time
    │   ├── DatabaseRefused                 it answered with an error; carries its number
    │   └── DatabaseUnsupported             it answered, but is none that we can keep
    ├── SignalError                     4   the wait condition's handle
    │   ├── HandleUnreachable    (retry)    no answer, or one that says nothing about the signal
    │   └── HandleRefused                   it will never take this signal
    ├── CloudError                      5   Keystone or Heat
    │   ├── CloudUnreachable     (retry)    no answer, or one that asks to come back
    │   └── CloudRefused                    it answered no
    ├── StackFailed                     6   the stack ended in a failed state; carries Heat's reason
    ├── DeadlineExceeded                7   the time that was given is over
    ├── StorageError             (retry)    8   a file of ours cannot be read or written (full disk, rights)
    └── UnsupportedEnvironment         77   this machine lacks what the command needs (root, namespaces)

Whether trying again can help is the type's: an error that is `Retryable` may pass by itself.
An unexpected exception is a bug: the command line says so in one line, with exit code 70.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar


class Retryable:
    """Mixed into the errors that may pass without anyone changing anything."""


class GuestAgentError(Exception):
    """The root. `str()` is one message that a person can act on.

    `details` is what an answer in JSON has beside the message, by key.
    """

    exit_code: ClassVar[int] = 70
    details: Mapping[str, object] = MappingProxyType({})

    @property
    def advice(self) -> str:
        """What to do about it, if the message leaves that out."""
        return ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where (`path`, dotted, with list indexes), what was expected, what was found."""

    path: str
    expected: str
    found: str
    do: str = ""

    def __str__(self) -> str:
        said = f"{self.path}: expected {self.expected}, found {self.found}"
        return f"{said} ({self.do})" if self.do else said


class InvalidInput(GuestAgentError):
    """What was given cannot be used. `problems` holds all that is wrong with it, `where` names the file."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem], where: str = "") -> None:
        super().__init__(problems, where)
        self.problems = tuple(problems)
        self.where = where

    def __str__(self) -> str:
        said = "; ".join(str(problem) for problem in self.problems)
        return f"{self.where}: {said}" if self.where else said


class InvalidMetadata(InvalidInput):
    """A node's metadata document breaks the contract."""


class InvalidCluster(InvalidInput):
    """A cluster's description, or an operation on it, makes no sense."""


class InvalidTemplate(InvalidInput):
    """A template that cannot be read back as a cluster."""


class InvalidSettings(InvalidInput):
    """The agent's configuration."""


class NotReady(GuestAgentError):
    """The server does not hold what the metadata wants; the message is the worst condition."""

    exit_code = 1


class DatabaseError(GuestAgentError):
    """The database server did not do what was asked."""

    exit_code = 3


class DatabaseUnreachable(Retryable, DatabaseError):
    """The server does not answer, or did not within the time of the query."""


class DatabaseRefused(DatabaseError):
    """The server answered with an error. `number` is its own, `text` is cleaned of statements and secrets."""

    def __init__(self, doing: str, number: int, text: str) -> None:
        super().__init__(doing, number, text)
        self.doing, self.number, self.text = doing, number, text

    def __str__(self) -> str:
        return f"{self.doing}: the server says {self.number}, {self.text}"


class DatabaseUnsupported(DatabaseError):
    """A server that answers, but not one that we can keep: another family, too old, or part of a group."""


class SignalError(GuestAgentError):
    """A signal was not accepted by the wait condition's handle."""

    exit_code = 4


class HandleUnreachable(Retryable, SignalError):
    """The handle gave no answer, or one that says nothing about the signal itself."""


class HandleRefused(SignalError):
    """The handle will not take this signal, however often it is sent."""


class CloudError(GuestAgentError):
    """Keystone or Heat did not do what was asked."""

    exit_code = 5


class CloudUnreachable(Retryable, CloudError):
    """No answer, or one that asks to come back later."""


class CloudRefused(CloudError):
    """The cloud answered no; the message carries its reason."""


class StackFailed(GuestAgentError):
    """A stack ended in a failed state. `reason` is Heat's own."""

    exit_code = 6

    def __init__(self, stack: str, status: str, reason: str) -> None:
        super().__init__(stack, status, reason)
        self.stack, self.status, self.reason = stack, status, reason

    def __str__(self) -> str:
        return f"stack {self.stack} is {self.status}: {self.reason}"


class DeadlineExceeded(GuestAgentError):
    """The time that was given for something is over."""

    exit_code = 7


class StorageError(Retryable, GuestAgentError):
    """A file of ours cannot be read or written."""

    exit_code = 8


class UnsupportedEnvironment(GuestAgentError):
    """This machine lacks something that the command cannot do without."""

    exit_code = 77
