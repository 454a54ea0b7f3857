"""Root directories of the flavours: made once on this machine, outside of any checkout, and never changed after.

A root is whole or not there: it is unpacked beside its place and then renamed, and of several makers one works while
the others wait.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from guestagent.embedded import commands
from guestagent.embedded.servers.apt import Say, Suite
from guestagent.embedded.servers.flavours import SHELL, Flavour
from guestagent.errors import StorageError, UnsupportedEnvironment

CACHE = Path("/var/cache/guestagent")
CACHE_VARIABLE = "GUESTAGENT_CACHE"
UNPACK_SECONDS = 900.0
MOUNT_POINTS = ("dev", "etc", "home", "opt", "proc", "root", "run", "srv", "sys", "tmp", "var")
# Packages are unpacked, not installed: the few links that their scripts would make are made here.
LINKS = {"usr/bin/sh": "dash", "usr/bin/awk": "mawk"}
UNPACK = """\
for file; do
    dpkg-deb --fsys-tarfile "$file" | tar --extract --keep-directory-symlink --directory "$0"
done
"""
# Linked libraries are found by /etc/ld.so.cache. It goes first: a mount program is not to be had after /usr.
ENTER = """\
mount --bind "$0/etc/ld.so.cache" /etc/ld.so.cache
mount --bind "$0/usr" /usr
exec "$@"
"""


def cache_folder() -> Path:
    """Where roots are kept: /var/cache/guestagent, or what GUESTAGENT_CACHE says."""
    return Path(os.environ.get(CACHE_VARIABLE) or CACHE).absolute()


def provide(flavour: Flavour, say: Say, cache: Path | None = None) -> Path:
    """The flavour's root; minutes at most where it is to be fetched, no time where it is there.

    UnsupportedEnvironment where it cannot be fetched, StorageError where it cannot be kept.
    """
    cache = cache or cache_folder()
    root = cache / "roots" / flavour.made_from
    if root.is_dir():
        return root
    if os.geteuid() != 0:
        raise UnsupportedEnvironment(f"{flavour.name} is not in {cache}, and fetching it needs root")
    try:
        make_public(root.parent)
        with alone(cache / f"{flavour.name}.lock"):
            if not root.is_dir():
                _make(flavour, root, cache / "apt" / flavour.name, lambda said: say(f"{flavour.name}: {said}"))
    except OSError as error:
        raise StorageError(f"{flavour.name} cannot be kept in {cache}: {error}") from error
    return root


def within(root: Path, argv: Sequence[str]) -> tuple[str, ...]:
    """The command that runs `argv` with the programs and libraries of the root in the place of this machine's.

    All else, every folder but /usr, is the machine's own, at its own place. Needs root. The process that is started
    is the one that becomes `argv`.
    """
    return ("unshare", "--mount", "--propagation", "private", "--", "/bin/sh", "-ec", ENTER, str(root), *argv)


def _make(flavour: Flavour, root: Path, kept: Path, say: Say) -> None:
    draft = root.with_name(f"{root.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    packages = Suite(flavour.suite, kept, say).fetch((*SHELL, *flavour.packages), flavour.alone)
    say(f"unpacking {len(packages)} packages")
    _lay(draft)
    words = ("bash", "-euo", "pipefail", "-c", UNPACK, str(draft), *map(str, packages))
    commands.check(f"unpacking {flavour.name}", words, timeout=UNPACK_SECONDS)
    for link, target in LINKS.items():
        if not os.path.lexists(draft / link):
            (draft / link).symlink_to(target)
    commands.check(f"linking {flavour.name}", ("ldconfig", "-r", str(draft)))
    version = commands.check(f"starting {flavour.name}", within(draft, (flavour.daemon, "--version")))
    os.sync()  # else a power cut after the renaming could leave files without their content
    draft.rename(root)
    shutil.rmtree(kept)
    say(version.strip())


def _lay(draft: Path) -> None:
    for name in ("bin", "lib", "lib64", "sbin"):
        make_public(draft / "usr" / name)
        (draft / name).symlink_to(f"usr/{name}")
    for name in MOUNT_POINTS:
        make_public(draft / name)


def make_public(folder: Path) -> None:
    """Make it, and those above it, where they are missing: other accounts can enter them whatever our umask is."""
    if folder.is_dir():
        return
    make_public(folder.parent)
    with suppress(FileExistsError):  # another process has just made it
        folder.mkdir()
        folder.chmod(0o755)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody else on this machine is in such a block with this lock."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
