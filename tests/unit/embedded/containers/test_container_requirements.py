"""The limits of the kernel that containers need."""

from __future__ import annotations

import pytest

from guestagent.embedded.containers.requirements import check_inotify_limit
from guestagent.errors import UnsupportedEnvironment


@pytest.mark.parametrize(("guest_count", "limit"), [(1, 128), (10, 128), (80, 1024)])
def test_guests_within_the_limit_may_start(guest_count: int, limit: int) -> None:
    check_inotify_limit(guest_count, limit)


@pytest.mark.parametrize(("guest_count", "limit", "proposal"), [(11, 128, 1024), (100, 1024, 2416)])
def test_a_guest_that_exceeds_the_limit_is_refused_with_the_remedy(
    guest_count: int, limit: int, proposal: int
) -> None:
    with pytest.raises(UnsupportedEnvironment, match=f"sysctl fs.inotify.max_user_instances={proposal}"):
        check_inotify_limit(guest_count, limit)
