"""A service that is killed, or does not get its answers, makes exactly what was ordered of real services."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import openstack
import pytest

from guestagent.embedded.real_cloud import RealCloud
from tests.support.cutting_proxy import AnswerCuts, cut_answers
from tests.support.fast_manager import FAST_SERVE, SPEED_VARIABLE
from tests.support.imitated_guests import ImitatedGuests
from tests.support.killed_manager import killing_services
from tests.support.real_cloud import RealCloudOperator
from tests.support.served_manager import serve_manager
from tests.support.signalling_guests import SignallingHypervisor

OPTIONS = {"resources": "engine = natives"}
SPEED = "6"
SEED = 5

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture
def login(real_cloud: RealCloud) -> Mapping[str, Any]:
    """How to connect to a project that has nothing."""
    return RealCloudOperator(real_cloud).create_project(f"disturbed-{secrets.token_hex(3)}")


@contextmanager
def open_cut_login(login: Mapping[str, Any], cuts: AnswerCuts) -> Iterator[Mapping[str, Any]]:
    """Yield a login whose requests to Nova, Cinder and Neutron go through proxies."""
    with ExitStack() as stack, openstack.connect(**login) as connection:
        urls = {
            "compute": connection.compute.get_endpoint(),
            "block_storage": connection.block_storage.get_endpoint(),
            "network": connection.network.get_endpoint(),
        }
        proxies = {
            f"{service}_endpoint_override": stack.enter_context(cut_answers(url, cuts))
            for service, url in urls.items()
        }
        yield {**login, **proxies}


@pytest.mark.parametrize(
    ("kills", "cut_answers"),
    [(2, 2), *(pytest.param(*counts, marks=pytest.mark.patient) for counts in ((20, 0), (0, 20)))],
)
def test_what_was_ordered_is_there_once_and_nothing_else(
    login: Mapping[str, Any],
    imitations: SignallingHypervisor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kills: int,
    cut_answers: int,
) -> None:
    monkeypatch.setenv(SPEED_VARIABLE, SPEED)
    cuts = AnswerCuts(cut_answers, SEED)
    with (
        open_cut_login(login, cuts) as cut_login,
        ImitatedGuests(imitations),
        serve_manager(tmp_path, cut_login, OPTIONS, FAST_SERVE) as service,
        killing_services((service, kills), login=login) as manager,
    ):
        manager.live_until_kills_are_over(["shop"], lambda: len(cuts.cut) == cut_answers)

        assert (manager.kill_count, len(cuts.cut)) == (kills, cut_answers)
