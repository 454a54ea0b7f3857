"""The seed worker: works off one request, in a process of its own, and can be killed at any point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from guestagent.errors import SeedError, StorageError
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

    Only one worker runs at a time: another one raises StorageError. Raises SeedInterrupted if the worker is stopping or
    the request was withdrawn. Otherwise the seed has ended: in DONE, or in FAILED with its reason.
    """
    files = environment.files
    with hold_lock(files.lock, 0.0):
        request, state = files.read_request(), _read_state(environment)
        if state is not None and not state.phase.has_ended and (request is None or request.id != state.id):
            _clean_up(environment, state, request)
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


def _clean_up(environment: WorkerEnvironment, state: SeedState, request: SeedRequest | None) -> None:
    """Remove what a seed has left that is not wanted any more, and start the server that it has stopped."""
    build_runner = environment.runners.get(state.method)
    if build_runner is not None:
        build_runner().clean_up(state.id, state.data_directory)
    environment.log(f"the seed that was {state.phase} is not wanted any more: its files are removed")
    reporter = FileReporter(
        state, request, environment.files, environment.clock, environment.is_stopping, environment.log
    )
    _start_stopped_server(environment, reporter)
    environment.files.write_state(replace(state, phase=SeedPhase.FAILED, failure=WITHDRAWN))


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
                _remove_files(environment, build_runner(), request)
                if reporter.state.phase is not SeedPhase.STARTING:  # it was just told to
                    _start_stopped_server(environment, reporter)
                return reporter.fail(error)
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


def _remove_files(environment: WorkerEnvironment, runner: SeedRunner, request: SeedRequest) -> None:
    """Remove what a failed seed has left: it would only take up the disk."""
    try:
        runner.clean_up(request.id, request.data_directory)
    except (SeedError, StorageError) as error:
        environment.log(f"its files stay: {error}")


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
