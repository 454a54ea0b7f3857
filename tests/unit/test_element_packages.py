"""Which packages an image gets on each distribution: what diskimage-builder's own `pkg-map` makes of our maps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import diskimage_builder
import pytest
import yaml

from guestagent.package_data import find_package_data

ELEMENTS = find_package_data("elements")
PKG_MAP = Path(diskimage_builder.__file__).parent / "elements/pkg-map/bin/pkg-map"
NAMES = {
    "guestagent": (
        "dhcp-client",
        "ifupdown",
        "linux-image-cloud-amd64",
        "net-tools",
        "python3",
        "python3-venv",
        "systemd-resolved",
        "zstd",
    ),
    "guestagent-mariadb": ("mariadb-backup", "mariadb-server", "zstd"),
    "guestagent-mysql": ("mysql-server",),
}
DEBIAN = {"linux-image-cloud-amd64", "python3", "python3-venv"}
BACKUP = {"mariadb-backup", "zstd"}
PACKAGES = {
    ("debian", "bookworm"): DEBIAN
    | {"ifupdown", "isc-dhcp-client", "net-tools", "mariadb-server", "mysql-server", *BACKUP},
    ("debian", "trixie"): DEBIAN
    | {"dhcpcd-base", "systemd-resolved", "mariadb-server", "mysql-server", *BACKUP},
    ("ubuntu", "jammy"): {
        "isc-dhcp-client",
        "python3",
        "python3-venv",
        "mariadb-server",
        "mysql-server",
        *BACKUP,
    },
    ("ubuntu", "noble"): {
        *("dhcpcd-base", "python3", "python3-venv", "systemd-resolved"),
        *("mariadb-server", "mysql-server", *BACKUP),
    },
    ("fedora", "41"): {"python3", "mariadb-server", "mysql-server", *BACKUP},
    ("fedora", "42"): {"python3", "mariadb-server", "mysql-server", *BACKUP},
    ("centos", "9-stream"): {"python3.11", "mariadb-server", "mysql-server", *BACKUP},
    ("centos", "10-stream"): {"python3", "mariadb-server", "mysql-server", *BACKUP},
    ("rocky", "9"): {"python3.11", "mariadb-server", "mysql-server", *BACKUP},
    ("rocky", "10"): {"python3", "mariadb-server", "mysql-server", *BACKUP},
    ("almalinux", "9"): {"python3.11", "mariadb-server", "mysql-server", *BACKUP},
    ("opensuse", "15.5"): {"python311", "mariadb", "mysql-community-server", "zstd"},
    ("opensuse", "15.6"): {"python311", "mariadb", "mysql-community-server", "zstd"},
    ("opensuse", "tumbleweed"): {"python3", "mariadb", "mysql-community-server", "zstd"},
}


def resolve_packages(element: str, names: tuple[str, ...], distribution: str, release: str) -> set[str]:
    map_file = ELEMENTS / element / "pkg-map"
    words = ["--pkg-map", str(map_file), "--distro", distribution, "--release", release, *names]
    resolved = subprocess.run([sys.executable, PKG_MAP, *words], check=True, capture_output=True, text=True)
    return set(resolved.stdout.split())


@pytest.mark.parametrize(("distribution", "release"), PACKAGES)
def test_every_package_has_its_name_on_every_distribution(distribution: str, release: str) -> None:
    resolved: set[str] = set()
    for element, names in NAMES.items():
        resolved |= resolve_packages(element, names, distribution, release)

    assert resolved == PACKAGES[distribution, release]


@pytest.mark.parametrize(
    "element", sorted(path.parent.name for path in ELEMENTS.glob("*/package-installs.yaml"))
)
def test_every_package_that_an_element_installs_is_in_its_map(element: str) -> None:
    installed = tuple(yaml.safe_load((ELEMENTS / element / "package-installs.yaml").read_text()))

    for distribution, release in PACKAGES:
        resolve_packages(
            element, installed, distribution, release
        )  # which fails for a name that is not in the map


@pytest.mark.parametrize("element", NAMES)
def test_the_names_above_are_what_the_elements_install(element: str) -> None:
    installed = yaml.safe_load((ELEMENTS / element / "package-installs.yaml").read_text())

    assert tuple(installed) == NAMES[element]
