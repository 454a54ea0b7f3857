"""The set-up of a real cloud: its programs, prepared databases, an account without rights, its own folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

from guestagent.embedded.database_servers import provide_root
from guestagent.embedded.database_servers.apt import ReportProgress
from guestagent.embedded.host.unix_account import read_host_account
from guestagent.embedded.real_cloud.cloud import RealCloud
from guestagent.embedded.real_cloud.cloud_guests import CloudGuests
from guestagent.embedded.real_cloud.cloud_paths import CloudPaths
from guestagent.embedded.real_cloud.packages import CloudPackages
from guestagent.embedded.real_cloud.prepared_databases import build_template
from guestagent.embedded.real_cloud.service_programs import ServicePrograms
from guestagent.embedded.real_heat.empty_databases import open_cache_folder
from guestagent.errors import UnsupportedEnvironment

RUN_FOLDER = "run"


@contextmanager
def open_real_cloud(
    folder: Path, subnet: IPv4Network, report: ReportProgress, guests: CloudGuests | None = None
) -> Iterator[RealCloud]:
    """Run a cloud for the block, with guests or without. The first time on a machine takes minutes.

    Call it from a thread that stays. The account of the services must be able to enter `folder`. Nobody else may use
    the subnet. UnsupportedEnvironment if this machine lacks something.
    """
    if os.geteuid() != 0:
        raise UnsupportedEnvironment("a real cloud runs under a separate account: run it as root")
    account, root = read_host_account(), provide_root(CloudPackages(), report)
    template = build_template(open_cache_folder(), root, account)
    programs = ServicePrograms(root, account, CloudPaths(folder / RUN_FOLDER), guests is not None)
    cloud = RealCloud(programs, template, subnet, guests)
    cloud.start()
    try:
        yield cloud
    finally:
        cloud.stop()
        shutil.rmtree(folder / RUN_FOLDER, ignore_errors=True)
