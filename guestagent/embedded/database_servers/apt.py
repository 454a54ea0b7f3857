"""Packages of any Debian suite, fetched by the machine's apt into a separate state.

The machine's sources give Debian's address, its settings the way there (proxies, for example), and Debian's signature
proves the content. The machine's own lists, locks and packages are not touched.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from guestagent.embedded.host import commands
from guestagent.errors import UnsupportedEnvironment

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
LIST_SOURCES_COMMAND = (
    "apt-get", "indextargets", "--no-release-info", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)",
    "Created-By: Packages",
)  # fmt: skip
FETCH_TIMEOUT_S = 1800.0
PACKAGE_URI_PATTERN = re.compile(r"^'[^']+' (?P<file>\S+) (?P<size>\d+) ", re.M)

ReportProgress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class AptSuite:
    """One suite, with the packages that were fetched from it under `folder`."""

    name: str
    folder: Path
    report: ReportProgress

    @property
    def archives(self) -> Path:
        """The folder of the packages."""
        return self.folder / "archives"

    def fetch_packages(
        self, packages: Sequence[str], extra_packages: Sequence[str], left_out: Sequence[str] = ()
    ) -> tuple[Path, ...]:
        """Fetch packages with their dependencies, and `extra_packages` without. UnsupportedEnvironment if it fails.

        Dependencies in `left_out`, and what only those depend on, are not fetched.
        """
        self._create_folders(left_out)
        self._update_lists()
        install = ("install", "--yes", "--download-only", *packages)
        output = self._run_apt("asking for the packages", *install, "--print-uris")
        packages_to_fetch = tuple(PACKAGE_URI_PATTERN.finditer(output))
        size = sum(int(package["size"]) for package in packages_to_fetch)
        self.report(f"fetching {len(packages_to_fetch)} packages of {self.name}, {size / 1e6:.0f} MB")
        self._run_apt("fetching packages", *install)
        if extra_packages:
            self._run_apt("fetching packages", "download", *extra_packages)
        return tuple(sorted(self.archives.glob("*.deb")))

    def _create_folders(self, left_out: Sequence[str]) -> None:
        for folder in ("archives/partial", "lists/partial", "nothing"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").write_text("".join(map(build_status_entry, left_out)))
        (self.folder / "apt.conf").write_text(build_apt_config(self.folder))

    def _update_lists(self) -> None:
        """Read the suite's lists from the first of this machine's sources that has it with Debian's signature."""
        architecture = self._run_command("asking dpkg", ("dpkg", "--print-architecture")).strip()
        reason = "its sources name no Debian archive"
        for uri in list_archives(
            self._run_command("reading this machine's apt sources", LIST_SOURCES_COMMAND)
        ):
            options = f"[arch={architecture} signed-by={KEYRING}]"
            (self.folder / "sources.list").write_text(f"deb {options} {uri} {self.name} main\n")
            self.report(f"reading the lists of {self.name}")
            try:
                self._run_apt("reading the lists", "update", "--error-on=any")
            except UnsupportedEnvironment as error:
                reason = str(error)
            else:
                # What an earlier attempt left, and the suite has no more.
                self._run_apt("removing old packages", "autoclean")
                return
        raise UnsupportedEnvironment(f"this machine's apt has no suite {self.name} of Debian's: {reason}")

    def _run_apt(self, description: str, *arguments: str) -> str:
        argv = ("apt-get", f"--config-file={self.folder}/apt.conf", "-qq", *arguments)
        return self._run_command(description, argv)

    def _run_command(self, description: str, argv: Sequence[str]) -> str:
        proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
        environment = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", **proxies}
        completed = commands.run_command(
            argv, environment=environment, timeout=FETCH_TIMEOUT_S, folder=self.archives
        )
        if completed.returncode:
            raise UnsupportedEnvironment(
                f"{description} of {self.name}: {commands.find_last_line(completed.stderr)}"
            )
        return completed.stdout


def list_archives(targets: str) -> tuple[str, ...]:
    """List the Debian archives of this machine, its own release's first. `targets` is LIST_SOURCES_COMMAND's output."""
    return tuple(dict.fromkeys(_find_archives(targets)))


def _find_archives(targets: str) -> Iterator[str]:
    for line in targets.splitlines():
        uri, release, component = line.rsplit(" ", 2)
        is_fetchable = uri.startswith(("http:", "https:", "file:", "mirror", "copy:"))
        if is_fetchable and component == "main" and "-" not in release and "/" not in release:
            yield uri


def build_status_entry(package: str) -> str:
    """Build the entry of dpkg's list from which apt concludes that a package, newer than any, is there already."""
    return f"""\
Package: {package}
Status: install ok installed
Version: 999
Architecture: all
Multi-Arch: foreign
Maintainer: none
Description: left out

"""


def build_apt_config(folder: Path) -> str:
    """Build apt's settings, which extend the machine's own: it keeps everything in `folder`."""
    return f"""\
#clear APT::Update;
#clear DPkg;
APT::Default-Release "";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::Cache "{folder}";
Dir::Cache::archives "{folder}/archives";
Dir::Etc::preferences "{folder}/nothing/preferences";
Dir::Etc::preferencesparts "{folder}/nothing";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "{folder}/nothing";
Dir::State "{folder}";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
"""
