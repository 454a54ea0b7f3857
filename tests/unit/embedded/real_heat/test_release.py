"""The programs that are run for a release, and the error for an unknown one."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.embedded.real_heat.paths import RunPaths, ServiceAddresses
from guestagent.embedded.real_heat.release import FILE_PACKAGES, PYPI_PACKAGES, HeatRelease, provide_release
from guestagent.errors import InvalidInput, UnsupportedEnvironment

AT = ServiceAddresses("k", "h", "c", 1, 2, 3)
LAYOUT = RunPaths(Path("/srv/run"))
DEBIAN = HeatRelease("debian", Path("/usr/bin/python3"), Path("/usr/bin"), Path("/etc/heat/api-paste.ini"))
NEWER = HeatRelease("27", Path("/v/bin/python"), Path("/v/bin"), Path("/v/paste.ini"), own_folder=Path("/v"))


def test_debians_heat_is_one_process_by_itself_and_a_newer_one_by_our_script() -> None:
    assert DEBIAN.build_heat_command(LAYOUT, AT) == (
        "/usr/bin/heat-all",
        "--config-file",
        "/srv/run/etc/heat.conf",
    )
    assert NEWER.build_heat_command(LAYOUT, AT)[:5] == (
        "/v/bin/python",
        "/srv/run/lib/heat_server.py",
        "127.0.0.1",
        "2",
        "3",
    )


@pytest.mark.parametrize("release", [DEBIAN, NEWER])
def test_keystone_is_served_by_our_script_under_its_own_interpreter(release: HeatRelease) -> None:
    assert release.build_keystone_command(LAYOUT, AT) == (
        str(release.python),
        "/srv/run/lib/keystone_server.py",
        "1",
    )


def test_no_command_line_holds_a_secret() -> None:
    words = (
        *DEBIAN.build_heat_command(LAYOUT, AT),
        *DEBIAN.build_keystone_command(LAYOUT, AT),
        *DEBIAN.build_manage_command("heat", LAYOUT, "db_sync"),
    )

    assert not any("password" in word for word in words)


def test_a_release_that_we_do_not_know_is_refused_with_those_that_we_do(tmp_path: Path) -> None:
    with pytest.raises((InvalidInput, UnsupportedEnvironment)) as refused:
        provide_release(12, tmp_path)

    if isinstance(refused.value, InvalidInput):
        assert all(str(number) in str(refused.value) for number in PYPI_PACKAGES)


def test_every_package_is_in_the_list_that_make_installs() -> None:
    listed = (Path(__file__).parents[4] / "bindep.txt").read_text()

    assert all(package in listed for package in FILE_PACKAGES.values())
