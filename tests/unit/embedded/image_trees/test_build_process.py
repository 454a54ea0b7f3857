"""What a build gets of the environment, and the phase that its log shows."""

from __future__ import annotations

import pytest

from guestagent.embedded.image_trees.build_process import find_phase
from guestagent.embedded.image_trees.builder_program import select_environment


def test_a_build_gets_the_settings_of_pip_and_no_other_variable() -> None:
    environment = {
        "PIP_CERT": "/ca.pem",
        "HTTPS_PROXY": "http://proxy",
        "OS_PASSWORD": "secret",
        "LC_ALL": "C",
    }

    assert select_environment(environment) == {"PIP_CERT": "/ca.pem", "HTTPS_PROXY": "http://proxy"}


LOG = """\
2026-11-29 06:38:32.241 | Building in /tmp/dib_build.x
2026-11-29 06:38:32.253 | dib-run-parts Running /tmp/dib_build.x/hooks/root.d/08-debootstrap
2026-11-29 06:38:36.614 | dib-run-parts Running /tmp/in_target.d/pre-install.d/99-apt-get-update
2026-11-29 06:38:38.859 | > Setting up something
"""


@pytest.mark.parametrize(("log", "phase"), [(LOG, "pre-install"), ("Building in /tmp", "start")])
def test_the_phase_of_a_build_is_found_in_its_log(log: str, phase: str) -> None:
    assert find_phase(log) == phase
