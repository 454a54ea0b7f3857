"""The configuration of each real server: written, applied at once, with a restart if required, and reverted."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guestagent.embedded.database_servers import Flavour, build_root_command, copy_data_directory
from tests.support import fake_systemctl
from tests.support.agent_guest import (
    AgentGuest,
    build_source_document,
    format_worst_condition,
    write_despite_read_only,
)
from tests.support.database_servers import (
    READ_ONLY_VARIABLES,
    DatabaseServer,
    find_free_port,
    provide_server_root,
)
from tests.support.family_statements import CONFIGURATION_CASES, ConfigurationCases
from tests.support.server_reset_statements import RESET_STATEMENTS

MY_CNF = """\
[{group}]
datadir = {folder}/data
socket = {folder}/s
pid_file = {folder}/pid
log_error = {folder}/error.log
tmpdir = {folder}
port = {port}
user = root
log_bin = binlog
relay_log = relay
{closed} = 1
{image}
!includedir {folder}/conf.d/
"""
pytestmark = pytest.mark.timeout(300)

PASS_DEADLINE_S = 45
"""Long enough for a pass that restarts a server on a busy machine."""
STATIC = "innodb_autoinc_lock_mode"
"""A static variable of every family, which defaults to 0 in none."""


class GuestWithService(AgentGuest):
    """A guest whose server is a service, with an option file that the agent writes."""

    @property
    def option_file(self) -> Path:
        return self.server.folder / "conf.d/90-guestagent.cnf"

    @property
    def service_calls(self) -> list[str]:
        """The commands that the agent gave to the service manager."""
        path = self.server.folder / "verbs"
        return path.read_text().split() if path.exists() else []

    def write_config(self) -> Path:
        path = super().write_config()
        command = shlex.join([sys.executable, "-m", "tests.support.fake_systemctl", str(self.server.folder)])
        lines = [f"{verb}_command = {command} {verb}\n" for verb in ("start", "stop", "restart")]
        lines.append(f"log_command = tail -n 60 {self.server.folder}/out\n")
        more = f"option_file = {self.option_file}\nmemory_mb = 512\n[service]\n"
        path.write_text(path.read_text() + more + "".join(lines))
        return path

    def apply_variables(self, **variables: Any) -> dict[str, Any]:
        """Apply the document of a source with these variables, and return the report."""
        section = {"Variables": variables} if variables else {}
        return self.apply(build_source_document(**section, Deadline=PASS_DEADLINE_S))

    def read_variable(self, name: str) -> str | None:
        return self.server.query_value(f"@@GLOBAL.{name}")

    @property
    def cases(self) -> ConfigurationCases:
        return CONFIGURATION_CASES[self.server.flavour.family]


@pytest.fixture
def guest(flavour: Flavour, data_template: Path, tmp_path: Path) -> Iterator[GuestWithService]:
    yield from _open_guest(flavour, data_template, tmp_path)


@pytest.fixture
def unlogged_guest(flavour: Flavour, data_template: Path, tmp_path: Path) -> Iterator[GuestWithService]:
    """A server without a binary log."""
    yield from _open_guest(
        flavour, data_template, tmp_path, *CONFIGURATION_CASES[flavour.family].no_log_options
    )


def _open_guest(
    flavour: Flavour, data_template: Path, tmp_path: Path, *more: str
) -> Iterator[GuestWithService]:
    folder = tmp_path / "server"
    (folder / "conf.d").mkdir(parents=True)
    copy_data_directory(data_template, folder / "data")
    server = DatabaseServer(folder, find_free_port(), (), flavour)
    image = "\n".join((*RESET_STATEMENTS[flavour.family].options, *more))
    options = MY_CNF.format(
        group=get_option_group(flavour),
        folder=folder,
        port=server.port,
        closed=READ_ONLY_VARIABLES[flavour.family],
        image=image,
    )
    (folder / "my.cnf").write_text(options)
    argv = (flavour.server_program, f"--defaults-file={folder}/my.cnf")
    fake_systemctl.install_unit(folder, build_root_command(provide_server_root(flavour), argv))
    try:
        call_service_manager(folder, "start")
        yield GuestWithService(server, tmp_path)
    finally:
        fake_systemctl.main(folder, "stop")


def get_option_group(flavour: Flavour) -> str:
    """Return the option file group that only this server reads."""
    return Path(flavour.server_program).name


def call_service_manager(folder: Path, verb: str) -> None:
    """Call the service manager by hand: the call is not recorded as one of the agent."""
    subprocess.run(
        [sys.executable, "-m", "tests.support.fake_systemctl", str(folder), verb], check=True, timeout=60
    )
    (folder / "verbs").unlink()


def get_configuration_text(report: dict[str, Any]) -> str:
    return next(str(each["seen"]) for each in report["conditions"] if each["name"] == "configuration")


def test_the_first_pass_writes_the_file_and_sets_dynamic_variables_without_a_restart(
    guest: GuestWithService,
) -> None:
    report = guest.apply_variables()

    assert report["state"] == "ready", format_worst_condition(report)
    assert guest.service_calls == []
    assert guest.read_variable("innodb_buffer_pool_size") == str(128 * 2**20)
    assert (guest.read_variable("sync_binlog"), guest.read_variable("binlog_format")) == ("1", "ROW")
    assert "report_host = Master0000" in guest.option_file.read_text()
    assert "report_host (empty now)" in get_configuration_text(report)


def test_a_second_pass_changes_nothing(guest: GuestWithService) -> None:
    guest.apply_variables()
    before = guest.server.read_position(), guest.option_file.stat()

    assert guest.apply_variables()["state"] == "ready"

    assert (guest.server.read_position(), guest.option_file.stat()) == before


def test_every_option_is_in_force_after_a_restart(guest: GuestWithService) -> None:
    guest.apply_variables()
    call_service_manager(guest.server.folder, "restart")

    report = guest.apply_variables()

    assert report["state"] == "ready"
    assert "now" not in get_configuration_text(report)
    assert guest.read_variable("report_host") == "Master0000"
    assert guest.server.query_value("@@server_id") == "71"


def test_a_static_variable_restarts_once_and_a_dynamic_one_never(guest: GuestWithService) -> None:
    guest.apply_variables(**{STATIC: 0}, wait_timeout=600)

    assert guest.service_calls == ["restart"]
    assert (guest.read_variable(STATIC), guest.read_variable("wait_timeout")) == ("0", "600")
    guest.apply_variables(**{STATIC: 0}, wait_timeout=700)
    assert guest.service_calls == ["restart"]
    assert guest.read_variable("wait_timeout") == "700"
    guest.apply_variables(**{STATIC: 1}, wait_timeout=700)
    assert guest.service_calls == ["restart"] * 2
    guest.apply_variables(**{STATIC: 1})
    assert guest.service_calls == ["restart"] * 2
    assert guest.read_variable("wait_timeout") == "28800"


@pytest.mark.patient
def test_removed_variables_return_to_their_previous_values(
    guest: GuestWithService,
) -> None:
    before = {
        name: guest.read_variable(name)
        for name in (STATIC, "wait_timeout", "collation_server", "long_query_time")
    }
    (guest.option_file.parent / "10-mine.cnf").write_text(
        f"[{get_option_group(guest.server.flavour)}]\nthread_cache_size = 77\n"
    )
    call_service_manager(guest.server.folder, "restart")
    guest.apply_variables(
        **{STATIC: 0}, wait_timeout=600, thread_cache_size=9, collation_server="latin1_bin", long_query_time=3
    )
    assert (guest.read_variable("wait_timeout"), guest.read_variable("thread_cache_size")) == ("600", "9")

    report = guest.apply_variables()

    assert report["state"] == "ready", format_worst_condition(report)
    assert {name: guest.read_variable(name) for name in before} == before
    assert guest.read_variable("thread_cache_size") == "77"
    assert guest.service_calls == ["restart"] * 2


def test_the_binary_log_of_an_empty_server_is_enabled(unlogged_guest: GuestWithService) -> None:
    report = unlogged_guest.apply_variables()

    assert (report["state"], unlogged_guest.service_calls) == ("ready", ["restart"])
    assert {
        name: unlogged_guest.read_variable(name) for name in unlogged_guest.cases.log_variables
    } == unlogged_guest.cases.log_variables


def test_a_server_with_data_and_no_binary_log_is_not_changed(unlogged_guest: GuestWithService) -> None:
    write_despite_read_only(unlogged_guest.server, "CREATE DATABASE mine")

    report = unlogged_guest.apply_variables()

    assert format_worst_condition(report) == unlogged_guest.cases.refusal
    assert (unlogged_guest.service_calls, unlogged_guest.option_file.exists()) == ([], False)


def test_a_file_with_which_the_server_does_not_start_is_reverted(guest: GuestWithService) -> None:
    guest.apply_variables()
    call_service_manager(guest.server.folder, "restart")
    guest.apply_variables()
    before = guest.option_file.read_text()

    report = guest.apply_variables(bind_address="no.such.host.invalid")

    assert report["state"] == "failed"
    message = "variable: bind_address; last error log lines: Can't create IP socket"
    assert message in format_worst_condition(report), format_worst_condition(report)
    assert guest.option_file.read_text() == before
    assert guest.server.query_value("1") == "1"
    restarts = guest.service_calls
    assert format_worst_condition(
        guest.apply_variables(bind_address="no.such.host.invalid")
    ) == format_worst_condition(report)
    assert guest.service_calls == restarts
    assert guest.apply_variables(bind_address="127.0.0.1")["state"] == "ready"


@pytest.mark.patient
def test_a_server_that_also_fails_with_the_previous_file_is_started_after_a_repair(
    guest: GuestWithService,
) -> None:
    guest.apply_variables()
    broken_file = guest.option_file.parent / "99-mine.cnf"
    broken_file.write_text(f"[{get_option_group(guest.server.flavour)}]\nno_such_variable = 1\n")
    document = build_source_document(Variables={STATIC: 0}, Deadline=20)

    report = guest.apply(document)
    broken_file.unlink()
    second_report = guest.apply(
        {**document, "GuestAgent": {**document["GuestAgent"], "Deadline": PASS_DEADLINE_S}}
    )

    assert format_worst_condition(report).startswith(
        "configuration: pending: it does not start with that file either"
    ), format_worst_condition(report)
    assert "no_such_variable" in format_worst_condition(report)
    assert guest.server.query_value("1") == "1"
    assert format_worst_condition(second_report).startswith(
        "configuration: final: the server did not start with it"
    ), format_worst_condition(second_report)
    assert guest.service_calls[:2] == ["restart"] * 2
    assert set(guest.service_calls[2:]) == {"start"}


def test_a_variable_that_another_file_sets_is_final_and_restarts_once(guest: GuestWithService) -> None:
    (guest.option_file.parent / "99-mine.cnf").write_text(
        f"[{get_option_group(guest.server.flavour)}]\nback_log = 99\n"
    )

    report = guest.apply_variables(back_log=88)

    assert format_worst_condition(report) == "configuration: final: back_log = 99"
    assert guest.service_calls == ["restart"]
    assert guest.apply_variables(back_log=88)["state"] == "failed"
    assert guest.service_calls == ["restart"]


def test_a_variable_of_the_other_family_is_named(guest: GuestWithService) -> None:
    name, value = guest.cases.foreign_variable

    report = guest.apply_variables(**{name: value})

    assert format_worst_condition(report) == f"configuration: final: it has none of the name {name}"
    assert guest.service_calls == []


def test_a_value_that_the_server_adjusts_is_named(guest: GuestWithService) -> None:
    report = guest.apply_variables(max_binlog_size=5000)

    message = "(the server reports 1231, Variable 'max_binlog_size' can't be set to the value of '5000')"
    assert format_worst_condition(report).startswith(
        f"configuration: final: max_binlog_size = 1073741824 {message}"
    )


def test_an_agent_killed_around_the_restart_converges(guest: GuestWithService) -> None:
    document = str(guest.write_document(build_source_document(Variables={STATIC: 0})))
    with subprocess.Popen(
        guest.build_command("apply", "--no-signal", "--metadata", document), stderr=subprocess.PIPE
    ) as process:
        while "restart" not in guest.service_calls and process.poll() is None:
            pass
        process.send_signal(signal.SIGKILL)

    report = guest.apply_variables(**{STATIC: 0})

    assert report["state"] == "ready", format_worst_condition(report)
    assert guest.read_variable(STATIC) == "0"


def test_a_plan_shows_the_difference_and_the_restart(guest: GuestWithService) -> None:
    guest.apply_variables()
    document = str(guest.write_document(build_source_document(Variables={STATIC: 0})))

    text = guest.run("plan", "--metadata", document).stdout
    steps = json.loads(guest.run("plan", "--json", "--metadata", document).stdout)["steps"]

    assert f"+{STATIC} = 0" in text
    assert [step["kind"] for step in steps] == ["WriteOptions", "RestartServer"]
    assert guest.service_calls == []
