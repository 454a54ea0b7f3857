"""The disk of a guest in a folder of the test, as cloud-init, Heat and the agent leave it, and copies of it."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from guestagent.agent.divergence import Divergence, SourceIdentity
from guestagent.agent.inbox import DocumentInbox
from guestagent.agent.instance_check import InstanceCheck
from guestagent.agent.journal import Journal
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.agent.pause import Pause, write_pause
from guestagent.agent.settings import Settings, load_settings
from guestagent.agent.status import AgentStatus, write_status
from guestagent.database.channel_tls import FILE_PREFIX
from guestagent.database.state import Account
from guestagent.database.steps import CreateAccount, PointChannel
from guestagent.metadata.document import CfnHandle
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from guestagent.signal import SignalOutcome, SignalStatus, Spool, SpoolEntry

PASSWORD = "the-origins-password"
"""Every file that holds a secret of the origin contains this text."""

DOCUMENT = {"ReadyWaitCondition": f"http://heat.test/{PASSWORD}", "GuestAgent": {"Node": "Origin"}}
DIVERGENCE = Divergence(SourceIdentity("10.0.0.7", 3306), errant="0-1-9")
OPTION_FILE = "etc/mysql/mysql.conf.d/zz-guestagent.cnf"
MACHINE_ID = "0123456789abcdef0123456789abcdef\n"
COLLECTOR_CONFIG = f"[DEFAULT]\ncommand = guestagent poke\n[cfn]\nsecret_access_key = {PASSWORD}\n"
USER_DATA = """\
Content-Type: multipart/mixed; boundary="==b=="
MIME-Version: 1.0

--==b==
Content-Type: text/x-cfninitdata; charset="us-ascii"
Content-Disposition: attachment; filename="cfn-init-data"

{}
--==b==--
"""
AUTO_OPTIONS = {
    "Version": 2,
    "mysql_static_variables": {"server_id": {"Value": "101"}, "report_host": {"Value": "Origin"}},
    "mysql_dynamic_variables": {
        "super_read_only": {"Value": "ON", "Metadata": {"Timestamp": 1795941437301433}}
    },
}


@dataclass(frozen=True)
class GuestDisk:
    """The root file system of a guest, in `root`."""

    root: Path

    @property
    def settings(self) -> Settings:
        settings_file = self.root / "guestagent.conf"
        settings_file.touch()
        return replace(
            load_settings(settings_file),
            state_folder=self.root / "var/lib/guestagent",
            run_folder=self.root / "run/guestagent",
            collector_cache=self.root / "var/lib/os-collect-config",
            collector_config=self.root / "etc/os-collect-config.conf",
        )

    @property
    def check(self) -> InstanceCheck:
        return InstanceCheck(self.settings, self.root)

    def write(self, name: str, content: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def read(self, name: str) -> str:
        return (self.root / name).read_text()

    def boot(self, instance_id: str, ec2_id: str = "", init_data: str | None = None) -> None:
        """Write what cloud-init writes at boot. `init_data`: a document in user data, for Heat's part handler."""
        shutil.rmtree(self.root / "run", ignore_errors=True)
        self.write("var/lib/cloud/data/instance-id", f"{instance_id}\n")
        self.write("run/cloud-init/.instance-id", f"{instance_id}\n")
        metadata = {"ds": {"ec2_metadata": {"instance-id": ec2_id}} if ec2_id else {}}
        self.write("run/cloud-init/instance-data.json", json.dumps(metadata))
        self.write(f"var/lib/cloud/instances/{instance_id}/sem/config_runcmd", "")
        link = self.root / "var/lib/cloud/instance"
        link.unlink(missing_ok=True)
        link.symlink_to(f"instances/{instance_id}")
        if init_data is not None:
            self.write("var/lib/cloud/instance/user-data.txt", USER_DATA.format(init_data))
            self.write("var/lib/heat-cfntools/cfn-init-data", init_data)
            self.write("var/lib/cloud/data/cfn-init-data", init_data)

    def work(self) -> None:
        """Write what an agent, its collector and a MySQL server leave on the disk."""
        state, clock = self.settings.state_folder, FakeClock()
        document = CollectedDocument.from_document(DOCUMENT, Path("cfn.json"))
        DocumentInbox(state, self.settings.run_folder).store(document)
        outcome = SignalOutcome(SignalStatus.SUCCESS, f"Origin is ready: {PASSWORD}", {})
        Spool(state).put_entry(SpoolEntry(CfnHandle(Secret(f"http://heat.test/{PASSWORD}")), "1", outcome))
        write_status(state / "status.json", AgentStatus("ready", node="Origin"))
        write_pause(state, Pause("alice", "today"))
        journal = Journal(state / "journal.json", clock, "boot 1")
        journal.begin_task("the origin's task")
        journal.record_intent(CreateAccount(Account("slave0000", "%"), Secret(PASSWORD)))
        journal.record_completion(PointChannel("10.0.0.7", 3306, "slave0000", Secret(PASSWORD)))
        journal.record_divergence(DIVERGENCE)
        self.write("var/lib/guestagent/document.json.unreadable-20260101T000000000000Z", PASSWORD)
        self.write("var/lib/guestagent/.signal.json.draft", PASSWORD)
        self.write("var/lib/guestagent/configuration.json", "{}")
        self.write("var/lib/guestagent/volume.json", "{}")
        self.write("var/lib/os-collect-config/cfn.json.orig", PASSWORD)
        self.write("var/lib/os-collect-config/cfn.json.last", PASSWORD)
        self.write("var/lib/heat-cfntools/cfn-userdata", PASSWORD)
        self.write("var/lib/cloud/data/cfn-userdata", PASSWORD)
        self.write("var/lib/cloud/instance/scripts/part-001", PASSWORD)
        self.write("etc/os-collect-config.conf", COLLECTOR_CONFIG)
        self.write("etc/os-collect-config.conf.d/heat.conf", COLLECTOR_CONFIG)
        self.write(OPTION_FILE, "[mysqld]\n# why\nserver_id = 101\nreport_host = Origin\nread_only = ON\n")
        self.write("etc/machine-id", MACHINE_ID)
        self.write("var/lib/dbus/machine-id", MACHINE_ID)
        self.write("var/lib/mysql/auto.cnf", "[auto]\nserver-uuid=the-origins\n")
        self.write(f"var/lib/mysql/{FILE_PREFIX}key-1.pem", PASSWORD)
        self.write("var/lib/mysql/mysql.ibd", "")
        self.write("var/lib/mysql/mysqld-auto.cnf", json.dumps(AUTO_OPTIONS)).chmod(0o640)

    def copy(self, target: Path) -> GuestDisk:
        """Copy the disk. The files keep their times, as in a snapshot."""
        shutil.copytree(self.root, target, symlinks=True)
        time.sleep(0.01)  # the kernel's clock for files counts in ticks of up to this time
        return GuestDisk(target)

    def set_times(self, seconds: float) -> None:
        """Give all files of user data and of the collector's configuration a time this far from now."""
        moment = time.time() + seconds
        for folder in ("etc", "var/lib/heat-cfntools", "var/lib/cloud/data"):
            for path in (self.root / folder).rglob("*"):
                os.utime(path, (moment, moment))

    def list_secret_files(self) -> list[str]:
        """List the files that contain a secret of the origin."""
        return sorted(
            str(path.relative_to(self.root))
            for path in self.root.rglob("*")
            if path.is_file() and not path.is_symlink() and PASSWORD.encode() in path.read_bytes()
        )

    def read_all(self) -> Mapping[str, bytes]:
        """Read every file, by its name."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file() and not path.is_symlink()
        }


def build_origin(root: Path, init_data: str = PASSWORD) -> GuestDisk:
    """Build the disk of a guest whose agent has worked as instance `origin`."""
    disk = GuestDisk(root)
    disk.boot("origin", init_data=init_data)
    disk.check.settle_identity()
    disk.work()
    return disk


def settle_and_die(disk: GuestDisk, boundary: int) -> bool:
    """Settle the identity in a child that ends before its file change number `boundary`; return whether it did."""
    child = os.fork()
    if child == 0:
        _die_at_file_change(boundary)
        disk.check.settle_identity()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def _die_at_file_change(boundary: int) -> None:
    import sys

    count = 0

    def handle_event(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
        if is_write or event in {"os.remove", "os.rename", "os.rmdir", "os.chmod"}:
            if count == boundary:
                os._exit(9)
            count += 1

    sys.addaudithook(handle_event)
