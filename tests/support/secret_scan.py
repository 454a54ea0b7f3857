"""The secrets of a node, and the places in its guest where a user without rights finds them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from guestagent.embedded.containers.start_script import GUEST_PYTHON
from tests.support.guest_cloud import GuestCloud

SCAN_TIMEOUT_S = 900.0
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
AS_ROOT: tuple[str, ...] = ()
# Prints {name: value}: the passwords of the document, the secret part of its handle, and the collector's key.
LIST_PROGRAM = r"""
import configparser, json, re
document = json.load(open("/var/lib/guestagent/document.json"))["document"]
secrets = {}

def add_passwords(value, path):
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        if isinstance(child, str) and "password" in str(key).lower():
            secrets[f"{path}.{key}"] = child
        add_passwords(child, f"{path}.{key}")

add_passwords(document, "document")
handle = document["ReadyWaitCondition"]
for name, pattern in (("signature", r"Signature=([^&\"]+)"), ("token", r"X-Auth-Token: ([^'\"]+)")):
    for number, value in enumerate(re.findall(pattern, json.dumps(handle))):
        secrets[f"handle.{name}.{number}"] = value
if isinstance(handle, dict):
    add_passwords(handle, "handle")
collector = configparser.ConfigParser(interpolation=None, strict=False)
collector.read("/etc/os-collect-config.conf")
for section in collector.sections():
    for key in ("secret_access_key", "password"):
        if collector.has_option(section, key):
            secrets[f"collector.{section}.{key}"] = collector.get(section, key)
print(json.dumps(secrets))
"""
# Reads {name: value} from stdin and prints [name, path] for every readable file that holds a value.
SCAN_PROGRAM = r"""
import json, os, stat, sys
secrets = {name: value.encode() for name, value in json.load(sys.stdin).items()}
own = f"/proc/{os.getpid()}"

def list_files():
    for folder, folders, names in os.walk("/"):
        if folder == "/":
            folders[:] = [name for name in folders if name not in ("proc", "sys")]
        yield from (os.path.join(folder, name) for name in names)
    for process in filter(str.isdigit, os.listdir("/proc")):
        if f"/proc/{process}" != own:
            yield from (f"/proc/{process}/{name}" for name in ("cmdline", "environ"))

def read(path):
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            return b""
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""

found = []
for path in list_files():
    content = read(path)
    found += [(name, path) for name, value in secrets.items() if value in content]
print(json.dumps(sorted(found)))
"""


def list_secrets(cloud: GuestCloud, guest: str) -> dict[str, str]:
    """Return the secrets of the node's document and of its collector, by a name of each."""
    answer = cloud.hypervisor.run_command(guest, (GUEST_PYTHON, "-c", LIST_PROGRAM))
    assert answer.returncode == 0, answer.stderr
    secrets: dict[str, str] = json.loads(answer.stdout)
    return secrets


def find_secrets(
    cloud: GuestCloud, guest: str, secrets: dict[str, str], user: Sequence[str] = NOBODY
) -> list[tuple[str, str]]:
    """Return the name of each secret that this user can read in the guest, with the path of the file."""
    answer = cloud.hypervisor.run_command(
        guest, (*user, GUEST_PYTHON, "-c", SCAN_PROGRAM), stdin=json.dumps(secrets), timeout=SCAN_TIMEOUT_S
    )
    assert answer.returncode == 0, answer.stderr
    return [(name, path) for name, path in json.loads(answer.stdout)]
