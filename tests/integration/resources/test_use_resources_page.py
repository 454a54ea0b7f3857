"""The commands of docs/how-to/use-resources.md, with a service and guests that signal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from guestagent.embedded import serving
from tests.support.heat_requests import get_fake_hypervisor
from tests.support.imitated_guests import ImitatedGuests
from tests.support.page_commands import build_script, find_mismatches, read_commands_left_to, read_files
from tests.support.served_manager import serve_manager

PAGE = Path(__file__).parents[3] / "docs/how-to/use-resources.md"


@pytest.mark.timeout(900)
def test_the_page_shows_what_its_commands_print(tmp_path: Path) -> None:
    page = PAGE.read_text()
    commands = read_commands_left_to(page, "tests/integration/resources/test_use_resources_page.py")
    for name, content in read_files(page).items():
        (tmp_path / name).write_text(content)
    with (
        serving() as cloud,
        serve_manager(tmp_path, cloud.connect, {"resources": "engine = natives"}) as service,
    ):
        service.start()
        with ImitatedGuests(get_fake_hypervisor(cloud)):
            result = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", build_script(commands)],
                cwd=tmp_path,
                env={
                    **os.environ,
                    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                    "OS_CLIENT_CONFIG_FILE": str(service.clouds_file),
                    "GUESTAGENT_RESOURCES_SETTINGS": str(service.settings_file),
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )

    assert result.returncode == 0, result.stdout
    assert find_mismatches(commands, result.stdout) == [], result.stdout
