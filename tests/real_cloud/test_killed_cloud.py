"""Two clouds at once, of which one is killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from guestagent.embedded.real_cloud import RealCloud
from guestagent.embedded.real_cloud.cloud_network import LINK_PREFIX
from tests.support.environment import open_public_folder
from tests.support.polling import wait_until

TREE = Path(__file__).parents[2]
MODULE = "tests.support.real_cloud_process"

pytestmark = [pytest.mark.timeout(1200), pytest.mark.patient]


def test_nothing_of_a_cloud_outlives_its_process_and_another_one_goes_on(real_cloud: RealCloud) -> None:
    with (
        open_public_folder() as folder,
        subprocess.Popen(
            (sys.executable, "-m", MODULE, str(folder)), cwd=TREE, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout is not None
        started = json.loads(process.stdout.readline())
        assert started["auth_url"] != real_cloud.auth_url
        link = Path(f"/sys/class/net/{LINK_PREFIX}{urlsplit(started['auth_url']).netloc.split('.')[2]}")
        assert link.exists()

        process.kill()

        wait_until(lambda: not any(psutil.pid_exists(pid) for pid in started["pids"]))
        wait_until(lambda: not link.exists())
    assert real_cloud.open_requests().find("compute", "/flavors", "flavors")
