"""Files that other programs read or name: the option file, a channel's certificates, and the results of `poke`."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from guestagent.agent import wiring
from guestagent.agent.inbox import DocumentInbox
from guestagent.agent.poke import deliver_document
from guestagent.agent.server_config.option_file import render_option_file
from guestagent.agent.server_config.settings import RunningServer, build_settings
from guestagent.agent.server_sizes import option_file_path
from guestagent.agent.server_sizes.sizing import HostResources
from guestagent.byte_units import GIB
from guestagent.database import channel_tls
from guestagent.metadata import Tls
from guestagent.secret import Secret
from tests.support import doctor_probes
from tests.unit.golden.documents import CA, KEY
from tests.unit.golden.golden_file import add_golden, golden, load_json, to_json
from tests.unit.golden.guest_files import DOCUMENT

SERVERS = {
    "mariadb-10.11": RunningServer("mariadb", (10, 11, 0)),
    "mysql-9.7": RunningServer("mysql", (9, 7, 0)),
    "mysql-8.0.11": RunningServer("mysql", (8, 0, 11)),
}


@golden("contract/places.json")
def build_places(folder: Path) -> str:
    """Build the list of option files, of names of certificates, and of lock files."""
    with wiring.hold_pass_lock(doctor_probes.build_settings(folder), lambda: False):
        locks = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    files = channel_tls.build_tls_options(Tls(ca=CA, certificate=CA, key=Secret(KEY)), "/var/lib/mysql/")
    return to_json(
        {
            "option files": {
                family: [str(path) for path in paths]
                for family, paths in option_file_path.OPTION_FILES.items()
            },
            "locks": locks,
            "certificates": [files.ca, files.certificate, files.key],
        }
    )


def build_option_file(server: RunningServer, folder: Path) -> str:
    """Build an option file, without its comments for people."""
    machine = HostResources(4 * GIB, 100 * GIB)
    asked: dict[str, str | int | bool] = {"wait_timeout": 600, "event_scheduler": True}
    written = render_option_file(server.family, build_settings(machine, server, 101, "10.0.0.7", asked))
    return "".join(f"{line}\n" for line in written.splitlines() if line and not line.startswith("#"))


for _name, _server in SERVERS.items():
    add_golden(f"contract/option_file-{_name}.cnf", partial(build_option_file, _server))


@golden("contract/poke.json")
def build_poke(folder: Path) -> str:
    """Build the list of files after a `poke`, and the collector's configuration."""
    collected, here = folder / "cfn.json", doctor_probes.build_settings(folder)
    wanted = {"os-collect-config": {"cfn": {"path": "Slave0000.Metadata"}, "collectors": ["cfn"]}}
    section = {"GuestAgent": {"Node": "Slave0000", "PollingInterval": 15}}
    collected.write_text(json.dumps({**DOCUMENT, **wanted, **section}), encoding="utf-8")
    here.collector_config.write_text("[DEFAULT]\ncommand = guestagent poke\n", encoding="utf-8")
    listener = DocumentInbox(here.state_folder, here.run_folder).open_listener()
    deliver_document({"OS_CONFIG_FILES": str(collected)}, here, (), folder / "backup")
    stored = load_json(here.state_folder / "document.json")
    assert isinstance(stored, dict)
    built = to_json(
        {
            "document.json": sorted(stored),
            "files": sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()),
            "os-collect-config.conf": here.collector_config.read_text(encoding="utf-8").splitlines(),
        }
    )
    listener.close()
    return built
