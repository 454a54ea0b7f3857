"""Scripts that start and stop a test's database server, as a service manager does."""

from __future__ import annotations

import shlex
from pathlib import Path

from tests.support.database_servers import DatabaseServer

START_SCRIPT = """\
#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
# Each start without a running server is one; a server that ends with 16 is started again.
[ -e "/proc/$(cat {folder}/pid 2>/dev/null)/exe" ] && exit 0
rm -f {folder}/s {folder}/s.lock {folder}/pid
{environment} setsid sh -c 'while :; do "$@"; [ $? = 16 ] || exit; done' sh {command} </dev/null >>{folder}/out 2>&1 &
"""
STOP_SCRIPT = """\
#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
pid=$(cat {folder}/pid 2>/dev/null) || exit 0
kill "$pid" 2>/dev/null
while [ -e "/proc/$pid/exe" ]; do sleep 0.1; done
rm -f {folder}/s
"""


def write_server_scripts(
    server: DatabaseServer, *extra_options: str, is_supervised: bool = True
) -> tuple[Path, Path]:
    """Write both scripts, which run in the server's namespace; return their paths."""
    command = shlex.join(server.build_argv(extra_options))
    environment = "MYSQLD_PARENT_PID=1" if is_supervised else "env -u MYSQLD_PARENT_PID"
    start, stop = server.folder / "start", server.folder / "stop"
    for path, script in ((start, START_SCRIPT), (stop, STOP_SCRIPT)):
        folder = shlex.quote(str(server.folder))
        path.write_text(script.format(folder=folder, command=command, environment=environment))
        path.chmod(0o755)
    return start, stop
