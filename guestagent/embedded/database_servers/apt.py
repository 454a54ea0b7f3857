"""A suite of Debian's that this machine need not be of: fetched by its own apt, into a state of our own.

The machine's sources say where Debian is, its settings (proxies, say) how to get there, and Debian's signature
whether it is right. The machine's own lists, locks and packages are not touched.
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
        """Where the packages lie."""
        return self.folder / "archives"

    def fetch_packages(self, packages: Sequence[str], alone: Sequence[str]) -> tuple[Path, ...]:
        """All that is to be unpacked; of `alone` the packages themselves. UnsupportedEnvironment where it cannot be."""
        self._lay()
        self._update()
        install = ("install", "--yes", "--download-only", *packages)
        told = self._apt("asking for the packages", *install, "--print-uris")
        needed = tuple(PACKAGE_URI_PATTERN.finditer(told))
        size = sum(int(each["size"]) for each in needed)
        self.report(f"fetching {len(needed)} packages of {self.name}, {size / 1e6:.0f} MB")
        self._apt("fetching packages", *install)
        if alone:
            self._apt("fetching packages", "download", *alone)
        return tuple(sorted(self.archives.glob("*.deb")))

    def _lay(self) -> None:
        for folder in ("archives/partial", "lists/partial", "nothing"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        (self.folder / "apt.conf").write_text(build_apt_config(self.folder))

    def _update(self) -> None:
        """From the first of this machine's sources that has this suite with Debian's signature."""
        architecture = self._run("asking dpkg", ("dpkg", "--print-architecture")).strip()
        refused = "its sources name no Debian archive"
        for uri in list_archives(self._run("reading this machine's apt sources", LIST_SOURCES_COMMAND)):
            options = f"[arch={architecture} signed-by={KEYRING}]"
            (self.folder / "sources.list").write_text(f"deb {options} {uri} {self.name} main\n")
            self.report(f"reading the lists of {self.name}")
            try:
                self._apt("reading the lists", "update", "--error-on=any")
            except UnsupportedEnvironment as error:
                refused = str(error)
            else:
                # What an earlier attempt left, and the suite has no more.
                self._apt("removing old packages", "autoclean")
                return
        raise UnsupportedEnvironment(f"this machine's apt has no suite {self.name} of Debian's: {refused}")

    def _apt(self, doing: str, *words: str) -> str:
        argv = ("apt-get", f"--config-file={self.folder}/apt.conf", "-qq", *words)
        return self._run(doing, argv)

    def _run(self, doing: str, argv: Sequence[str]) -> str:
        proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
        environment = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", **proxies}
        done = commands.run_command(
            argv, environment=environment, timeout=FETCH_TIMEOUT_S, folder=self.archives
        )
        if done.returncode:
            raise UnsupportedEnvironment(f"{doing} of {self.name}: {commands.find_last_line(done.stderr)}")
        return done.stdout


def list_archives(targets: str) -> tuple[str, ...]:
    """Where this machine has Debian from: its own release's archive first. `targets` as SOURCES prints them."""
    return tuple(dict.fromkeys(_archives(targets)))


def _archives(targets: str) -> Iterator[str]:
    for line in targets.splitlines():
        uri, release, component = line.rsplit(" ", 2)
        fetchable = uri.startswith(("http:", "https:", "file:", "mirror", "copy:"))
        if fetchable and component == "main" and "-" not in release and "/" not in release:
            yield uri


def build_apt_config(folder: Path) -> str:
    """apt's settings, over the machine's own: everything that it keeps lies in `folder`."""
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
