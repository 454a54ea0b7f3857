"""The systemd units: what they open, by systemd's own measure, and their order."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from guestagent.errors import InvalidSettings
from guestagent.package_data import find_package_data
from guestagent.resources.resource_service import CUT_LIMIT_S, STOP_LIMIT_S
from guestagent.resources.settings_options import OPTION_GROUPS

UNITS = find_package_data("systemd")
ELEMENTS = find_package_data("elements")
RESOURCES_UNIT = "resources/guestagent-resources@.service"
"""For the host of the resource manager: images have only the units of the folder above."""
CONFINED_UNITS = (
    "guestagent.service",
    "os-collect-config.service",
    "guestagent-donor.service",
    RESOURCES_UNIT,
)
CONFINED_AT_BOOT = ("guestagent-identity.service", "guestagent-sizes.service")
EXPOSURE_LIMIT = 20
"""Tenths. `systemd-analyze security` gives 9.6 for a plain unit, and 8.8 for mariadb.service."""

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="this machine has no systemd-analyze"
)


def read_directives(unit: str, section: str, name: str) -> list[str]:
    """Return the values of a directive, which may be given several times."""
    text = (UNITS / unit).read_text().partition(f"[{section}]")[2].partition("\n[")[0]
    return re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)


def read_words(unit: str, name: str) -> set[str]:
    return set(" ".join(read_directives(unit, "Unit", name)).split())


@needs_systemd
@pytest.mark.parametrize("unit", CONFINED_UNITS + CONFINED_AT_BOOT)
def test_a_unit_opens_little(unit: str) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_LIMIT}", "--no-pager"]

    result = subprocess.run([*command, UNITS / unit], capture_output=True, text=True)

    assert result.returncode == 0, result.stdout.splitlines()[-1] + result.stderr


@pytest.mark.parametrize("unit", CONFINED_UNITS)
def test_no_core_dump_holds_passwords(unit: str) -> None:
    assert read_directives(unit, "Service", "LimitCORE") == ["0"]
    assert read_directives(unit, "Service", "WatchdogSignal") in ([], ["SIGKILL"])


def test_the_agent_starts_after_the_server_whatever_its_unit_is_called() -> None:
    assert read_words("guestagent.service", "After") >= {"mariadb.service", "mysql.service", "mysqld.service"}


@pytest.mark.parametrize("server", ["mariadb.service", "mysql.service", "mysqld.service"])
def test_a_server_starts_after_its_option_file_has_the_sizes_of_its_machine(server: str) -> None:
    assert server in read_words("guestagent-sizes.service", "Before")
    assert "guestagent-volume.service" in read_words("guestagent-sizes.service", "After")
    assert "guestagent-sizes.service" in read_words("guestagent.service", "Wants")


def test_user_data_run_between_cloud_init_and_the_collector() -> None:
    assert read_words("guestagent-userdata.service", "After") == {"cloud-final.service"}
    assert read_words("guestagent-userdata.service", "Before") == {
        "guestagent.service",
        "os-collect-config.service",
    }
    assert "guestagent-userdata.service" in read_words("os-collect-config.service", "Wants")


def test_the_resource_manager_has_time_to_end_its_rounds() -> None:
    (limit_s,) = read_directives(RESOURCES_UNIT, "Service", "TimeoutStopSec")

    assert int(limit_s) > STOP_LIMIT_S + CUT_LIMIT_S


def test_the_resource_manager_keeps_its_files_where_its_settings_say() -> None:
    (folder,) = read_directives(RESOURCES_UNIT, "Service", "StateDirectory")
    defaults = [option.default for options in OPTION_GROUPS.values() for option in options]

    assert f"/var/lib/{folder.replace('%i', 'resources')}/keys.json" in defaults


def test_settings_that_cannot_work_are_not_tried_again() -> None:
    codes = read_directives(RESOURCES_UNIT, "Service", "RestartPreventExitStatus")

    assert codes == [str(InvalidSettings.exit_code)]


def test_a_hung_agent_is_killed_and_started_again() -> None:
    assert read_directives("guestagent.service", "Service", "WatchdogSec") == ["5min"]
    assert read_directives("guestagent.service", "Service", "Restart") == ["always"]


def list_installed_units() -> list[str]:
    """List our units that are enabled, by their [Install] section."""
    files = [*UNITS.iterdir(), *ELEMENTS.glob("*/static/etc/systemd/system/*")]
    return sorted(file.name for file in files if file.is_file() and "\n[Install]" in file.read_text())


def find_preset(unit: str) -> Path | None:
    """Return the preset file of an element that enables the unit."""
    files = ELEMENTS.glob("*/static/etc/systemd/system-preset/*.preset")
    return next((file for file in files if f"enable {unit}" in file.read_text().splitlines()), None)


@pytest.mark.parametrize("unit", list_installed_units())
def test_a_reset_to_the_presets_keeps_a_unit_enabled(unit: str) -> None:
    """The first matching line counts, in the order of the names of the files. Debian's images disable all others."""
    preset = find_preset(unit)

    assert preset is not None
    assert preset.name < "50-guestagent.preset"


def test_all_units_with_an_install_section_are_known() -> None:
    assert set(list_installed_units()) >= {
        "guestagent.service",
        "guestagent-identity.service",
        "guestagent-volume.service",
        "guestagent-volume-grow.path",
    }


@pytest.mark.parametrize("server", ["mariadb", "mysql", "mysqld"])
def test_each_start_of_a_server_checks_where_its_data_are(server: str) -> None:
    """Its unit requires the volume's, but that one stays active after an umount by hand."""
    file = (
        ELEMENTS / f"guestagent-volume/static/etc/systemd/system/{server}.service.d/50-guestagent-volume.conf"
    )

    assert "ExecStartPre=+/opt/guestagent/bin/guestagent volume check" in file.read_text().splitlines()
