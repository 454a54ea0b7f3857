"""The mirrors that a build fetches its packages from, which are apt's own, and their removal from the tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from guestagent.embedded.database_servers.apt import LIST_SOURCES_COMMAND, list_archives
from guestagent.embedded.host import commands

PUBLIC_ARCHIVE = "http://deb.debian.org/debian"
PUBLIC_SECURITY_ARCHIVE = "http://deb.debian.org/debian-security"
READ_PROXY_COMMAND = ("apt-config", "shell", "proxy", "Acquire::http::Proxy")


@dataclass(frozen=True, slots=True)
class Mirrors:
    """Debian's archive and its security archive as this machine reaches them."""

    archive: str
    security_archive: str


def read_mirrors(release: str) -> Mirrors:
    """Read the mirrors from apt's sources on this machine."""
    return parse_mirrors(
        commands.run_checked("reading this machine's apt sources", LIST_SOURCES_COMMAND), release
    )


def parse_mirrors(targets: str, release: str) -> Mirrors:
    """Return the mirrors of a release. `targets` is LIST_SOURCES_COMMAND's output.

    A mirror of another release has this one, too. Debian's public one takes the place of a mirror that a build cannot
    read over HTTP.
    """
    rows = [line.rsplit(" ", 2) for line in targets.splitlines()]
    by_release = {
        name: uri for uri, name, component in rows if component == "main" and uri.startswith("http")
    }
    archives = [uri for uri in list_archives(targets) if uri.startswith("http")]
    security_archives = [uri for name, uri in by_release.items() if name.endswith("-security")]
    return Mirrors(
        by_release.get(release, next(iter(archives), PUBLIC_ARCHIVE)).rstrip("/"),
        by_release.get(f"{release}-security", next(iter(security_archives), PUBLIC_SECURITY_ARCHIVE)).rstrip(
            "/"
        ),
    )


def build_mirror_variables(mirrors: Mirrors, environment: Mapping[str, str]) -> dict[str, str]:
    """Build the variables with which diskimage-builder uses these mirrors, and apt's proxy unless one is set."""
    variables = {
        "DIB_DISTRIBUTION_MIRROR": mirrors.archive,
        "DIB_DEBIAN_SECURITY_MIRROR": mirrors.security_archive,
    }
    proxy = commands.run_checked("reading apt's proxy", READ_PROXY_COMMAND).strip()
    if proxy and "http_proxy" not in environment:
        variables["http_proxy"] = proxy.partition("=")[2].strip("'\"")
    return variables


def write_public_mirrors(tree: Path, mirrors: Mirrors) -> None:
    """Replace the mirrors in a tree's sources by Debian's own: the image may be used anywhere."""
    for path in (tree / "etc/apt").rglob("*"):
        if path.suffix in {".list", ".sources"} and path.is_file():
            path.write_text(replace_mirrors(path.read_text(), mirrors))


def replace_mirrors(text: str, mirrors: Mirrors) -> str:
    """Replace the mirrors in the text of a sources file."""
    words = {mirrors.archive: PUBLIC_ARCHIVE, mirrors.security_archive: PUBLIC_SECURITY_ARCHIVE}
    return "\n".join(
        " ".join(words.get(word.rstrip("/"), word) for word in line.split(" ")) for line in text.split("\n")
    )
