"""The element's additions to the units of cloud-init, run on a folder in place of the root."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from guestagent.package_data import find_package_data

UNITS = find_package_data("elements") / "guestagent/static/etc/systemd/system"
# The stage that writes the parts: cloud-init.service until 24.2, cloud-init-network.service from 24.3 on.
STAGES = ("cloud-init.service.d", "cloud-init-network.service.d")
DIRECTIVES = ("ExecStartPost", "ExecStopPost")


def read_commands(stage: str, directive: str) -> list[str]:
    text = (UNITS / stage / "50-guestagent.conf").read_text()
    return re.findall(rf"^{directive}=-(.+)$", text, re.MULTILINE)


@pytest.mark.parametrize("directive", DIRECTIVES)
@pytest.mark.parametrize("stage", STAGES)
def test_other_users_can_read_no_part_of_heat(tmp_path: Path, stage: str, directive: str) -> None:
    modes = {
        "lib/cloud/data/cfn-userdata": 0o644,
        "lib/cloud/data/cfn-init-data": 0o644,
        "lib/cloud/data/instance-id": 0o644,
        "lib/heat-cfntools/cfn-userdata": 0o755,
        "lib/heat-cfntools/cfn-metadata-server": 0o644,
    }
    for name, mode in modes.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    [command] = [each for each in read_commands(stage, directive) if "chmod" in each]

    subprocess.run(shlex.split(command.replace("/var/", f"{tmp_path}/")), check=True)

    assert {name: (tmp_path / name).stat().st_mode & 0o777 for name in modes} == {
        "lib/cloud/data/cfn-userdata": 0o600,
        "lib/cloud/data/cfn-init-data": 0o600,
        "lib/cloud/data/instance-id": 0o644,
        "lib/heat-cfntools/cfn-userdata": 0o700,
        "lib/heat-cfntools/cfn-metadata-server": 0o600,
    }


@pytest.mark.parametrize("stage", STAGES)
def test_heats_runner_is_prepared_before_the_last_stage(stage: str) -> None:
    assert "/usr/local/sbin/guestagent-userdata prepare" in read_commands(stage, "ExecStartPost")
