"""Starts a cloud as a separate, detached process, and ends it if it does not come up.

This is the only file of this package that imports subprocess.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from guestagent.embedded.process.state_file import CloudOptions, CloudState, load_cloud_state
from guestagent.embedded.process.state_folder import get_run_lock
from guestagent.errors import CloudRefused, DeadlineExceeded, GuestAgentError, UnsupportedEnvironment
from guestagent.file_lock import hold_lock, open_lock

START_TIMEOUT_S = 120.0  # the first start builds the guests' image
STOP_TIMEOUT_S = 60.0
POLL_INTERVAL_S = 0.05


class CloudProcess:
    """The process of a cloud that is starting: the same command in the foreground, in a separate session."""

    def __init__(self, options: CloudOptions) -> None:
        self._options = options
        self._process = _spawn(options)

    @property
    def was_killed(self) -> bool:
        """Whether a signal ended it, so that it could not remove anything itself."""
        return self._process.returncode is not None and self._process.returncode < 0

    def wait_for_state(self) -> CloudState:
        """Return the state that the cloud writes when it answers. If it does not come up, end it."""
        try:
            return self._poll_state(time.monotonic() + START_TIMEOUT_S)
        except GuestAgentError:
            self._end()
            raise

    def _poll_state(self, deadline: float) -> CloudState:
        while time.monotonic() < deadline:
            state = load_cloud_state(self._options)
            if state is not None and state.pid == self._process.pid:
                return state
            if self._process.poll() is not None:
                raise _build_start_error(self._options, self._process.returncode)
            time.sleep(POLL_INTERVAL_S)
        raise DeadlineExceeded(
            f"the cloud does not answer after {START_TIMEOUT_S:.0f} s; see {self._options.log_file}"
        )

    def _end(self) -> None:
        """End a cloud that did not come up. It removes what it made, unless it has to be killed."""
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _spawn(options: CloudOptions) -> subprocess.Popen[bytes]:
    log = open_lock(options.log_file)
    try:
        os.ftruncate(log, 0)
        with hold_lock(get_run_lock(options.state_folder)) as run_lock:
            return subprocess.Popen(
                _build_command(options),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                env=build_environment(),
                pass_fds=(run_lock,),  # held for as long as the cloud lives
            )
    finally:
        os.close(log)


def build_environment() -> dict[str, str]:
    """Return the daemon's environment. Its current folder, `/`, is no place for Python to look for packages."""
    return {**os.environ, "PYTHONSAFEPATH": "1"}  # Python 3.10 does not know it, and looks there


def _build_command(options: CloudOptions) -> tuple[str, ...]:
    """Build the daemon's command line. There is no secret in it."""
    words = [sys.executable, "-m", "guestagent", "cloud", "up", "--foreground", "--name", options.name]
    words += ["--state", str(options.state_folder), "--clouds-file", str(options.clouds_file)]
    words += ["--subnet", str(options.network), "--auth-ttl", str(options.auth_ttl.total_seconds() / 60)]
    words += [] if options.guests else ["--no-guests"]
    words += ["--heat", options.heat]
    words += ["--heat-release", str(options.heat_release)] if options.heat_release else []
    words += ["--image", str(options.image_tree)] if options.image_tree else []
    return tuple(words)


def _build_start_error(options: CloudOptions, exit_code: int) -> GuestAgentError:
    lines = options.log_file.read_text(errors="replace").splitlines() or ["no output"]
    reason = lines[-1].removeprefix("guestagent: ")
    if exit_code == UnsupportedEnvironment.exit_code:
        return UnsupportedEnvironment(reason)
    return CloudRefused(f"the cloud ended at once with code {exit_code}: {reason}; see {options.log_file}")
