"""A MySQL server with a keyring, which encrypts tables: its programs get the component's two files beside them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.database_servers import DatabaseServer, provide_server_root

ENTER_SCRIPT = """\
mount --bind "$0/etc/ld.so.cache" /etc/ld.so.cache
mount -t overlay overlay -o "lowerdir=$1:$0/usr" /usr
shift
exec "$@"
"""


class KeyringServer(DatabaseServer):
    """Its folder is without a comma and a colon: they would end an option of the mount."""

    def build_argv(self, extra_options: tuple[str, ...]) -> tuple[str, ...]:
        argv = super().build_argv(extra_options)
        program = argv.index(self.flavour.server_program)
        root = str(provide_server_root(self.flavour))
        return (
            *("unshare", "--mount", "--propagation", "private", "--"),
            *("/bin/sh", "-ec", ENTER_SCRIPT, root, str(self._write_component()), *argv[program:]),
        )

    def _write_component(self) -> Path:
        """Write what loads the component at the server's start, as a folder over /usr."""
        folder = self.folder / "component"
        keyring = {"path": str(self.folder / "keyring"), "read_only": False}
        files = {
            "sbin/mysqld.my": {"components": "file://component_keyring_file"},
            "lib/mysql/plugin/component_keyring_file.cnf": keyring,
        }
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content))
        return folder
