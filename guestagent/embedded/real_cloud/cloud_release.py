"""A release of OpenStack's services: the programs that run them, and what else differs between releases. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

DEBIAN_NAME, NEWEST_NAME = "2022.2", "2026.2"
# Each release installs exactly these; pip chooses what they depend on. Nova's fake hypervisor driver imports fixtures.
PYPI_PACKAGES: Mapping[str, tuple[str, ...]] = {
    NEWEST_NAME: (
        *("nova==34.0.0", "cinder==29.0.0", "neutron==29.0.0", "openstack-placement==16.0.0"),
        *("glance==33.0.0", "keystone==30.*", "openstack-heat==27.0.1", "pymysql", "fixtures"),
    )
}
NEWEST_NOVA, DEBIAN_NOVA = 34, 26
# With native threads the computes and all else share a pool of each kind, because they are one process. By default two
# computes would build ten servers at once, some of which never end.
NATIVE_NOVA_SETTINGS = """\
max_concurrent_builds = 64
default_thread_pool_size = 64
cell_worker_thread_pool_size = 32
"""
# The names of the copies beside the settings, and where the releases have the files.
HEAT_PIPELINE, GLANCE_PIPELINE = "api-paste.ini", "glance-api-paste.ini"
NOVA_PIPELINE, CINDER_PIPELINE, NEUTRON_PIPELINE = "nova-paste.ini", "cinder-paste.ini", "neutron-paste.ini"
VOLUME_FILTERS = "resource_filters.json"
DEBIAN_FILES: Mapping[str, str] = {
    NOVA_PIPELINE: "usr/share/nova-common/api-paste.ini",
    CINDER_PIPELINE: "usr/share/cinder-common/api-paste.ini",
    NEUTRON_PIPELINE: "usr/share/neutron-common/api-paste.ini",
    GLANCE_PIPELINE: "usr/share/glance-common/glance-api-paste.ini",
    HEAT_PIPELINE: "etc/heat/api-paste.ini",
    VOLUME_FILTERS: "etc/cinder/resource_filters.json",
}
PYPI_FILES: Mapping[str, str] = {
    NOVA_PIPELINE: "etc/nova/api-paste.ini",
    CINDER_PIPELINE: "etc/cinder/api-paste.ini",
    NEUTRON_PIPELINE: "etc/neutron/api-paste.ini",
    GLANCE_PIPELINE: "etc/glance/glance-api-paste.ini",
    HEAT_PIPELINE: "etc/heat/api-paste.ini",
    VOLUME_FILTERS: "etc/cinder/resource_filters.json",
}
SHARED_APPLICATIONS: Mapping[str, str] = {
    "keystone": "keystone.server.wsgi:initialize_public_application()",
    "placement": "placement.wsgi:init_application()",
    "glance": "glance.common.wsgi_app:init_app()",
}


@dataclass(frozen=True, slots=True)
class CloudRelease:
    """One release. `root` takes the place of /usr while its services run; None: they need only their own `python`.

    `nova` is the number by which the contract's rules tell the releases apart. `threads` are those of the services:
    `eventlet` or `native`. `applications` has the place, for `application_server.py`, of each service that is a WSGI
    application and nothing else. `files` are copied beside the settings, under these names.
    """

    name: str
    nova: int
    python: str
    threads: str
    applications: Mapping[str, str]
    files: Mapping[str, Path]
    database_root: Path
    fingerprint: str
    root: Path | None = None
    heat_program: str | None = None
    """Heat's engine and APIs in one process. Without it, our script is that."""
    has_anonymous_heat: bool = False
    """Heat asks Keystone about signatures without a token, which Keystone refuses."""
    nova_settings: str = ""
    """Lines of nova.conf for this release alone."""


def build_debian_release(root: Path) -> CloudRelease:
    """Describe Debian's packages, unpacked in `root`, with a database server among them."""
    return CloudRelease(
        name=DEBIAN_NAME,
        nova=DEBIAN_NOVA,
        python="/usr/bin/python3",
        threads="eventlet",
        applications={**SHARED_APPLICATIONS, "neutron": "neutron.cmd.eventlet.server:main_api_eventlet()"},
        files={name: root / path for name, path in DEBIAN_FILES.items()},
        database_root=root,
        fingerprint=root.name,
        root=root,
        heat_program="/usr/bin/heat-all",
        has_anonymous_heat=True,
    )


def build_pypi_release(
    name: str, folder: Path, database_root: Path, distributions: Iterable[str]
) -> CloudRelease:
    """Describe a virtual environment. `distributions` are the names and versions of all that pip has installed."""
    programs = hashlib.sha256(" ".join(sorted(distributions)).encode()).hexdigest()[:16]
    return CloudRelease(
        name=name,
        nova=NEWEST_NOVA,
        python=str(folder / "bin/python"),
        threads="native",
        applications={**SHARED_APPLICATIONS, "neutron": "neutron.wsgi.api:application"},
        files={file: folder / path for file, path in PYPI_FILES.items()},
        database_root=database_root,
        fingerprint=f"{name} {programs} {database_root.name}",
        nova_settings=NATIVE_NOVA_SETTINGS,
    )
