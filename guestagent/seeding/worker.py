"""The seed worker: works off one request, in a process of its own, and can be killed at any point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from guestagent.errors import GuestAgentError, SeedError, StorageError
from guestagent.file_lock import hold_lock
from guestagent.retry import Backoff, Clock
from guestagent.seeding.method import SeedMethod
from guestagent.seeding.protocols import SeedRunner, ServerControl
from guestagent.seeding.reporter import FileReporter
from guestagent.seeding.request import SeedRequest
from guestagent.seeding.seed_files import SeedFiles
from guestagent.seeding.state import WITHDRAWN, SeedPhase, SeedState
from guestagent.strict_json import UnreadableContent

ATTEMPT_RETRY = Backoff(initial_s=1.0, max_s=30.0, jitter=0.2)
STOPPED_PHASES = frozenset({SeedPhase.SWAPPING, SeedPhase.STARTING, SeedPhase.POSITIONING})
"""Phases in which a seed stops the server."""
UNKNOWN_METHOD_ADVICE = "this version of guestagent cannot seed by it: choose another Seeding.Method"


@dataclass(frozen=True, slots=True)
class WorkerEnvironment:
    """What the worker touches. `is_stopping` is called often; `log` gets one line for each event.

    `runners` are called with nothing to build the runner of a method.
    """

    files: SeedFiles
    clock: Clock
    server: ServerControl
    runners: Mapping[SeedMethod, Callable[[], SeedRunner]]
    is_stopping: Callable[[], bool]
    log: Callable[[str], None]


def run_seed(environment: WorkerEnvironment) -> SeedState | None:
    """Work off the request, and return the state of the seed; None if no seed is wanted.

    Only one worker runs at a time: another one raises StorageError, as does a request that cannot be read. Raises
    SeedInterrupted if the worker is stopping, or the request was withdrawn or changed. Otherwise the seed has ended: in
    DONE, or in FAILED with its reason. An unfinished state is that of a withdrawn seed that could not be undone.
    """
    files = environment.files
    with hold_lock(files.lock, 0.0):
        request, state = read_request(files), _read_state(environment)
        if state is not None and not state.phase.has_ended and (request is None or request.id != state.id):
            state = _withdraw(environment, state, request)
            if not state.phase.has_ended:
                return state
        if request is None:
            return None
        state = _resume(request, state)
        if state.phase.has_ended:
            files.remove_request()
            return state
        reporter = FileReporter(
            state, request, files, environment.clock, environment.is_stopping, environment.log
        )
        environment.log(state.resumed or f"seeding by {request.method} from {request.donor.host}")
        state = _attempt_until_end(environment, request, reporter)
        # While it is there, the worker is started again.
        files.remove_request()
        return state


def read_request(files: SeedFiles) -> SeedRequest | None:
    """Read the request. Raises StorageError if it is damaged: nothing is done for it then."""
    try:
        return files.read_request()
    except UnreadableContent as error:
        advice = "the agent removes it, and requests the seed again: see `systemctl status guestagent`"
        reason = f"the request of the seed cannot be read: {files.request_path} ({error}); {advice}"
        raise StorageError(reason) from error


def _read_state(environment: WorkerEnvironment) -> SeedState | None:
    """Read the state. Without one that can be read, the seed begins anew: the runners look at what is on the disk."""
    try:
        return environment.files.read_state()
    except UnreadableContent as error:
        environment.log(f"the seed's state cannot be read, so the seed begins anew: {error}")
        return None


def _resume(request: SeedRequest, state: SeedState | None) -> SeedState:
    """Return the state from which this start of the worker goes on."""
    if state is None or state.id != request.id:
        return SeedState(request.id, request.method, request.data_directory, reason=request.reason)
    if state.phase.has_ended:
        return state
    return replace(state, resumed=f"going on with the seed that was cut while {state.phase}")


def _withdraw(environment: WorkerEnvironment, state: SeedState, request: SeedRequest | None) -> SeedState:
    """Undo a seed that is not wanted any more, and return its state. If that fails, another start tries it again."""
    files, log = environment.files, environment.log
    reporter = FileReporter(state, request, files, environment.clock, environment.is_stopping, log)
    log(f"the seed that was {state.phase} is not wanted any more: it is undone")
    build_runner = environment.runners.get(state.method)
    try:
        if build_runner is not None:
            build_runner().clean_up(reporter, environment.server)
    except (SeedError, StorageError) as error:
        if isinstance(error, SeedError) and not error.is_transient:
            log(f"the seed cannot be undone: {error}")
            return reporter.fail(SeedError(f"{WITHDRAWN}, and cannot be undone: {error}", error.advice))
        log(f"the seed cannot be undone yet: {error}")
        reporter.note_failure(error)
        return reporter.state
    _start_stopped_server(environment, reporter)
    log("the seed is undone: its files are removed")
    return reporter.fail(SeedError(WITHDRAWN))


def _attempt_until_end(
    environment: WorkerEnvironment, request: SeedRequest, reporter: FileReporter
) -> SeedState:
    build_runner = environment.runners.get(request.method)
    if build_runner is None:
        return reporter.fail(SeedError(f"no seed by {request.method}", UNKNOWN_METHOD_ADVICE))
    for wait in ATTEMPT_RETRY.iterate_waits():
        try:
            reporter.begin_attempt()
            result = build_runner().run(request, reporter, environment.server)
            state = reporter.complete(result)
        except (SeedError, StorageError) as error:
            # A disk without room for the state may have some again.
            is_transient = not isinstance(error, SeedError) or error.is_transient
            if is_transient and reporter.elapsed_s >= request.deadline_s:
                error = _build_late_error(error, request.deadline_s)
                is_transient = False
            if not is_transient:
                environment.log(f"the seed has failed: {error}")
                failure = _undo_failed_seed(environment, build_runner(), reporter, error)
                if reporter.state.phase is not SeedPhase.STARTING:  # it was just told to
                    _start_stopped_server(environment, reporter)
                return reporter.fail(failure)
            environment.log(f"another attempt in {wait:.0f} s: {error}")
            reporter.note_failure(error)
            _wait(environment, reporter, wait)
        else:
            environment.log(f"the seed is complete: {result.bytes_done} bytes up to {result.position}")
            return state
    raise AssertionError("waits never end")


def _build_late_error(error: SeedError | StorageError, deadline_s: float) -> SeedError:
    reason = f"Seeding.Deadline, {deadline_s:.0f} s, is over, and the last attempt has failed: {error}"
    return SeedError(reason, error.advice)


def _undo_failed_seed(
    environment: WorkerEnvironment,
    runner: SeedRunner,
    reporter: FileReporter,
    error: SeedError | StorageError,
) -> GuestAgentError:
    """Undo a seed that has failed for good, and return its error: with what stays, if that is not possible."""
    try:
        runner.clean_up(reporter, environment.server)
    except (SeedError, StorageError) as obstacle:
        environment.log(f"the seed cannot be undone: {obstacle}")
        return SeedError(f"{error}; the seed cannot be undone: {obstacle}", error.advice)
    return error


def _start_stopped_server(environment: WorkerEnvironment, reporter: FileReporter) -> None:
    """Start the server if the seed may have stopped it. What it has to say does not change the seed's end."""
    if reporter.state.phase in STOPPED_PHASES:
        try:
            environment.server.start(reporter)
        except SeedError as error:
            environment.log(f"the server stays stopped: {error}")


def _wait(environment: WorkerEnvironment, reporter: FileReporter, seconds: float) -> None:
    until = environment.clock.now() + seconds
    while (rest := until - environment.clock.now()) > 0:
        reporter.check_stop()
        environment.clock.sleep(min(rest, 0.5))
