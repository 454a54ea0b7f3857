"""Lists the project once for all rounds that wait for it: the lists are those of the whole project.

Nobody gets a look that is older than its question. So it shows whatever the cloud has answered to the caller, and to
those who had its cluster before, as a look of its own would. Two rounds of one cluster never share a look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition

from guestagent.errors import CloudError
from guestagent.resources.natives.cloud_api import CloudObservation


@dataclass(slots=True)
class SharedLook:
    """A look for all that have asked before it began. When it `has_ended` without a result, they look again."""

    has_ended: bool = False
    observation: CloudObservation | None = None
    error: CloudError | None = None


class SharedObservation:
    """Looks by `observe`, one thread at a time. Threads may share it."""

    def __init__(self, observe: Callable[[], CloudObservation]) -> None:
        self._observe = observe
        self._changed = Condition()
        self._next = SharedLook()
        self._is_looking = False

    def observe(self) -> CloudObservation:
        """Return a look that began after this call. Raise what the cloud has answered to whoever looked."""
        while True:
            look = self._await_turn()
            if not look.has_ended:
                self._look(look)
            if look.error is not None:
                raise look.error
            if look.observation is not None:
                return look.observation
            # Whoever looked has ended by a bug, which is for its own caller.

    def _await_turn(self) -> SharedLook:
        """Return the next look: when it has ended, or when this thread is to do it."""
        with self._changed:
            look = self._next
            while self._is_looking and not look.has_ended:
                self._changed.wait()
            if not look.has_ended:
                self._is_looking, self._next = True, SharedLook()
            return look

    def _look(self, look: SharedLook) -> None:
        try:
            look.observation = self._observe()
        except CloudError as error:
            look.error = error
        finally:
            with self._changed:
                look.has_ended, self._is_looking = True, False
                self._changed.notify_all()
