"""The set-up of a real cloud: its programs, prepared databases, an account without rights, its own folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

from guestagent.embedded.database_servers.apt import ReportProgress
from guestagent.embedded.host.unix_account import read_host_account
from guestagent.embedded.real_cloud.cloud import RealCloud
from guestagent.embedded.real_cloud.cloud_guests import CloudGuests
from guestagent.embedded.real_cloud.cloud_paths import CloudPaths
from guestagent.embedded.real_cloud.cloud_release import DEBIAN_NAME
from guestagent.embedded.real_cloud.prepared_databases import build_template
from guestagent.embedded.real_cloud.provided_release import provide_release
from guestagent.embedded.real_cloud.service_programs import ServicePrograms
from guestagent.embedded.real_heat.empty_databases import open_cache_folder
from guestagent.errors import UnsupportedEnvironment

RUN_FOLDER = "run"


@contextmanager
def open_real_cloud(
    folder: Path,
    subnet: IPv4Network,
    report: ReportProgress,
    guests: CloudGuests | None = None,
    release: str = DEBIAN_NAME,
) -> Iterator[RealCloud]:
    """Run a cloud for the block, with guests or without. The first time on a machine takes minutes.

    `release` is `2022.2`, Debian 12's, or `2026.2`, which is installed from PyPI.

    Call it from a thread that stays. The account of the services must be able to enter `folder`. Nobody else may use
    the subnet. UnsupportedEnvironment if this machine lacks something.
    """
    if os.geteuid() != 0:
        raise UnsupportedEnvironment("a real cloud runs under a separate account: run it as root")
    account, cache = read_host_account(), open_cache_folder()
    programs = provide_release(release, cache, report)
    template = build_template(cache, programs, account)
    run = ServicePrograms(programs, account, CloudPaths(folder / RUN_FOLDER), guests is not None)
    cloud = RealCloud(run, template, subnet, guests)
    cloud.start()
    try:
        yield cloud
    finally:
        cloud.stop()
        shutil.rmtree(folder / RUN_FOLDER, ignore_errors=True)
