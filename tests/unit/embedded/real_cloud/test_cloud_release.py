"""The programs that are run for a release of OpenStack, and the error for an unknown one."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.embedded.host.unix_account import UnixAccount
from guestagent.embedded.real_cloud.addresses import CloudAddresses
from guestagent.embedded.real_cloud.cloud_paths import CloudPaths
from guestagent.embedded.real_cloud.cloud_release import (
    DEBIAN_FILES,
    DEBIAN_NAME,
    PYPI_FILES,
    PYPI_PACKAGES,
    CloudRelease,
    build_debian_release,
    build_pypi_release,
)
from guestagent.embedded.real_cloud.provided_release import provide_release
from guestagent.embedded.real_cloud.service_programs import ServicePrograms
from guestagent.errors import InvalidInput

PATHS, ADDRESSES = CloudPaths(Path("/srv/run")), CloudAddresses("10.77.1.2")
ROOT, DATABASE_ROOT, FOLDER = Path("/roots/openstack"), Path("/roots/mariadb"), Path("/programs")
DEBIAN = build_debian_release(ROOT)
NEWEST = build_pypi_release("2026.2", FOLDER, DATABASE_ROOT, ("nova-34.0.0", "heat-27.0.1"))
SERVICES = ("keystone", "placement", "glance", "neutron", "cinder", "nova", "heat")


def build_command(release: CloudRelease, service: str) -> tuple[str, ...]:
    """Return the command line of a service's daemon."""
    programs = ServicePrograms(release, UnixAccount(65534, 65534, is_missing=False), PATHS)
    return programs.build_service_command(service, ADDRESSES)


@pytest.mark.parametrize("service", SERVICES)
def test_debians_services_have_their_packages_in_place_of_usr(service: str) -> None:
    words = build_command(DEBIAN, service)

    assert str(ROOT) in words
    assert "/usr/bin/python3" in words or "/usr/bin/heat-all" in words


@pytest.mark.parametrize("service", SERVICES)
def test_a_release_from_pypi_needs_its_own_interpreter_alone(service: str) -> None:
    words = build_command(NEWEST, service)

    assert "/programs/bin/python" in words
    assert not any(word.startswith("/roots") for word in words)


def test_the_releases_differ_in_their_threads_and_in_who_starts_heat() -> None:
    threads = [
        words[words.index("/srv/run/lib/nova_server.py") + 1]
        for words in (build_command(release, "nova") for release in (DEBIAN, NEWEST))
    ]

    assert threads == ["eventlet", "native"]
    assert "/usr/bin/heat-all" in build_command(DEBIAN, "heat")
    assert build_command(NEWEST, "heat")[-6:-2] == (
        *("/srv/run/lib/heat_server.py", "10.77.1.2", "8004", "8000"),
    )


@pytest.mark.parametrize(("release", "root"), [(DEBIAN, ROOT), (NEWEST, DATABASE_ROOT)])
def test_the_database_server_is_debians(release: CloudRelease, root: Path) -> None:
    assert release.database_root == root


def test_both_releases_have_the_same_files_beside_their_settings() -> None:
    assert set(DEBIAN_FILES) == set(PYPI_FILES)
    assert {path.parents[-3] for path in DEBIAN.files.values()} == {ROOT}
    assert {path.parents[-2] for path in NEWEST.files.values()} == {FOLDER}


def test_a_release_that_has_other_packages_has_other_databases() -> None:
    other = build_pypi_release("2026.2", FOLDER, DATABASE_ROOT, ("nova-34.0.1", "heat-27.0.1"))
    reordered = build_pypi_release("2026.2", FOLDER, DATABASE_ROOT, ("heat-27.0.1", "nova-34.0.0"))

    assert len({DEBIAN.fingerprint, NEWEST.fingerprint, other.fingerprint}) == 3
    assert reordered.fingerprint == NEWEST.fingerprint


def test_a_release_that_is_not_known_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        provide_release("1999.1", tmp_path, print)

    assert all(name in str(refused.value) for name in (DEBIAN_NAME, *PYPI_PACKAGES))
