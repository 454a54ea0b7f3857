"""The configuration of each real server: written, in force at once, restarted where it must be, taken back."""

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
from tests.integration.test_agent import (
    READ_ONLY_VARIABLES,
    AgentGuest,
    build_source_document,
    format_worst_condition,
    write_despite_read_only,
)
from tests.support import fake_systemctl
from tests.support.database_servers import DatabaseServer, find_free_port, provide_server_root
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

PATIENCE = 45
"""Seconds for a pass: a server's start may take its time."""
STATIC = "innodb_autoinc_lock_mode"
"""A variable that every family takes at its start alone; 0 by itself in none."""


class Serviced(AgentGuest):
    """A guest whose server is a service, with an option file that its agent writes."""

    @property
    def option_file(self) -> Path:
        return self.server.folder / "conf.d/90-guestagent.cnf"

    @property
    def verbs(self) -> list[str]:
        """What the service manager was asked to do by the agent."""
        path = self.server.folder / "verbs"
        return path.read_text().split() if path.exists() else []

    def write_config(self) -> Path:
        path = super().write_config()
        command = shlex.join([sys.executable, "-m", "tests.support.fake_systemctl", str(self.server.folder)])
        lines = [f"{verb}_command = {command} {verb}\n" for verb in ("start", "stop", "restart")]
        more = f"option_file = {self.option_file}\nmemory_mb = 512\n[service]\n"
        path.write_text(path.read_text() + more + "".join(lines))
        return path

    def configured(self, **variables: Any) -> dict[str, Any]:
        """What `apply` answers for a source with these Variables."""
        section = {"Variables": variables} if variables else {}
        return self.apply(build_source_document(**section, Deadline=PATIENCE))

    def variable(self, name: str) -> str | None:
        return self.server.query_value(f"@@GLOBAL.{name}")

    @property
    def words(self) -> ConfigurationCases:
        return CONFIGURATION_CASES[self.server.flavour.family]


@pytest.fixture
def guest(flavour: Flavour, empty: Path, tmp_path: Path) -> Iterator[Serviced]:
    yield from _guest(flavour, empty, tmp_path)


@pytest.fixture
def bare(flavour: Flavour, empty: Path, tmp_path: Path) -> Iterator[Serviced]:
    """A server that was told to log nothing."""
    yield from _guest(flavour, empty, tmp_path, *CONFIGURATION_CASES[flavour.family].no_log_options)


def _guest(flavour: Flavour, empty: Path, tmp_path: Path, *more: str) -> Iterator[Serviced]:
    folder = tmp_path / "server"
    (folder / "conf.d").mkdir(parents=True)
    copy_data_directory(empty, folder / "data")
    server = DatabaseServer(folder, find_free_port(), (), flavour)
    image = "\n".join((*RESET_STATEMENTS[flavour.family].options, *more))
    options = MY_CNF.format(
        group=group(flavour),
        folder=folder,
        port=server.port,
        closed=READ_ONLY_VARIABLES[flavour.family],
        image=image,
    )
    (folder / "my.cnf").write_text(options)
    argv = (flavour.server_program, f"--defaults-file={folder}/my.cnf")
    fake_systemctl.install_unit(folder, build_root_command(provide_server_root(flavour), argv))
    try:
        service(folder, "start")
        yield Serviced(server, tmp_path)
    finally:
        fake_systemctl.main(folder, "stop")


def group(flavour: Flavour) -> str:
    """The one of an option file that this server alone reads."""
    return Path(flavour.server_program).name


def service(folder: Path, verb: str) -> None:
    """As a person at the console: not noted among what the agent asked for."""
    subprocess.run(
        [sys.executable, "-m", "tests.support.fake_systemctl", str(folder), verb], check=True, timeout=60
    )
    (folder / "verbs").unlink()


def held(told: dict[str, Any]) -> str:
    return next(str(each["seen"]) for each in told["conditions"] if each["name"] == "configuration")


def test_a_first_pass_writes_the_file_sets_what_it_can_and_restarts_nothing(guest: Serviced) -> None:
    told = guest.configured()

    assert told["state"] == "ready", format_worst_condition(told)
    assert guest.verbs == []
    assert guest.variable("innodb_buffer_pool_size") == str(128 * 2**20)
    assert (guest.variable("sync_binlog"), guest.variable("binlog_format")) == ("1", "ROW")
    assert "report_host = Master0000" in guest.option_file.read_text()
    assert "report_host (empty now)" in held(told)


def test_a_second_pass_is_quiet(guest: Serviced) -> None:
    guest.configured()
    before = guest.server.read_position(), guest.option_file.stat()

    assert guest.configured()["state"] == "ready"

    assert (guest.server.read_position(), guest.option_file.stat()) == before


def test_the_server_starts_with_the_file_and_then_everything_is_in_force(guest: Serviced) -> None:
    guest.configured()
    service(guest.server.folder, "restart")

    told = guest.configured()

    assert told["state"] == "ready"
    assert "now" not in held(told)
    assert guest.variable("report_host") == "Master0000"
    assert guest.server.query_value("@@server_id") == "71"


def test_a_static_variable_restarts_once_and_a_dynamic_one_never(guest: Serviced) -> None:
    guest.configured(**{STATIC: 0}, wait_timeout=600)

    assert guest.verbs == ["restart"]
    assert (guest.variable(STATIC), guest.variable("wait_timeout")) == ("0", "600")
    guest.configured(**{STATIC: 0}, wait_timeout=700)
    assert guest.verbs == ["restart"]
    assert guest.variable("wait_timeout") == "700"
    guest.configured(**{STATIC: 1}, wait_timeout=700)
    assert guest.verbs == ["restart"] * 2
    guest.configured(**{STATIC: 1})
    assert guest.verbs == ["restart"] * 2
    assert guest.variable("wait_timeout") == "28800"


@pytest.mark.patient
def test_variables_that_are_no_longer_asked_for_go_back_to_what_the_server_had(guest: Serviced) -> None:
    before = {
        name: guest.variable(name) for name in (STATIC, "wait_timeout", "collation_server", "long_query_time")
    }
    (guest.option_file.parent / "10-mine.cnf").write_text(
        f"[{group(guest.server.flavour)}]\nthread_cache_size = 77\n"
    )
    service(guest.server.folder, "restart")
    guest.configured(
        **{STATIC: 0}, wait_timeout=600, thread_cache_size=9, collation_server="latin1_bin", long_query_time=3
    )
    assert (guest.variable("wait_timeout"), guest.variable("thread_cache_size")) == ("600", "9")

    told = guest.configured()

    assert told["state"] == "ready", format_worst_condition(told)
    assert {name: guest.variable(name) for name in before} == before
    assert guest.variable("thread_cache_size") == "77"
    assert guest.verbs == ["restart"] * 2


def test_a_server_without_a_binary_log_gets_one_while_it_is_empty(bare: Serviced) -> None:
    told = bare.configured()

    assert (told["state"], bare.verbs) == ("ready", ["restart"])
    assert {name: bare.variable(name) for name in bare.words.log_variables} == bare.words.log_variables


def test_one_that_holds_data_without_a_binary_log_is_left_alone(bare: Serviced) -> None:
    write_despite_read_only(bare.server, "CREATE DATABASE mine")

    told = bare.configured()

    assert format_worst_condition(told) == bare.words.refusal
    assert (bare.verbs, bare.option_file.exists()) == ([], False)


def test_a_file_with_which_the_server_does_not_start_is_taken_back(guest: Serviced) -> None:
    guest.configured()
    service(guest.server.folder, "restart")
    guest.configured()
    before = guest.option_file.read_text()

    told = guest.configured(bind_address="no.such.host.invalid")

    assert told["state"] == "failed"
    said = "variable: bind_address; its last words: Can't create IP socket"
    assert said in format_worst_condition(told), format_worst_condition(told)
    assert guest.option_file.read_text() == before
    assert guest.server.query_value("1") == "1"
    restarts = guest.verbs
    assert format_worst_condition(
        guest.configured(bind_address="no.such.host.invalid")
    ) == format_worst_condition(told)
    assert guest.verbs == restarts
    assert guest.configured(bind_address="127.0.0.1")["state"] == "ready"


@pytest.mark.patient
def test_a_server_that_fails_with_the_previous_file_too_is_started_once_that_is_mended(
    guest: Serviced,
) -> None:
    guest.configured()
    broken = guest.option_file.parent / "99-mine.cnf"
    broken.write_text(f"[{group(guest.server.flavour)}]\nno_such_variable = 1\n")
    document = build_source_document(Variables={STATIC: 0}, Deadline=20)

    told = guest.apply(document)
    broken.unlink()
    later = guest.apply({**document, "GuestAgent": {**document["GuestAgent"], "Deadline": PATIENCE}})

    assert format_worst_condition(told).startswith(
        "configuration: pending: it does not start with that file either"
    ), format_worst_condition(told)
    assert "no_such_variable" in format_worst_condition(told)
    assert guest.server.query_value("1") == "1"
    assert format_worst_condition(later).startswith(
        "configuration: final: the server did not start with it"
    ), format_worst_condition(later)
    assert guest.verbs[:2] == ["restart"] * 2
    assert set(guest.verbs[2:]) == {"start"}


def test_a_variable_that_another_file_sets_is_final_and_restarts_once(guest: Serviced) -> None:
    (guest.option_file.parent / "99-mine.cnf").write_text(f"[{group(guest.server.flavour)}]\nback_log = 99\n")

    told = guest.configured(back_log=88)

    assert format_worst_condition(told) == "configuration: final: back_log = 99"
    assert guest.verbs == ["restart"]
    assert guest.configured(back_log=88)["state"] == "failed"
    assert guest.verbs == ["restart"]


def test_a_variable_of_the_other_family_is_named(guest: Serviced) -> None:
    name, value = guest.words.foreign_variable

    told = guest.configured(**{name: value})

    assert format_worst_condition(told) == f"configuration: final: it has none of the name {name}"
    assert guest.verbs == []


def test_a_value_that_the_server_makes_something_else_of_is_named(guest: Serviced) -> None:
    told = guest.configured(max_binlog_size=5000)

    said = "(the server reports 1231, Variable 'max_binlog_size' can't be set to the value of '5000')"
    assert format_worst_condition(told).startswith(
        f"configuration: final: max_binlog_size = 1073741824 {said}"
    )


def test_an_agent_killed_around_the_restart_converges(guest: Serviced) -> None:
    document = str(guest.write_document(build_source_document(Variables={STATIC: 0})))
    with subprocess.Popen(
        guest.build_command("apply", "--no-signal", "--metadata", document), stderr=subprocess.PIPE
    ) as killed:
        while "restart" not in guest.verbs and killed.poll() is None:
            pass
        killed.send_signal(signal.SIGKILL)

    told = guest.configured(**{STATIC: 0})

    assert told["state"] == "ready", format_worst_condition(told)
    assert guest.variable(STATIC) == "0"


def test_a_plan_shows_the_difference_and_the_restart(guest: Serviced) -> None:
    guest.configured()
    document = str(guest.write_document(build_source_document(Variables={STATIC: 0})))

    shown = guest.run("plan", "--metadata", document).stdout
    steps = json.loads(guest.run("plan", "--json", "--metadata", document).stdout)["steps"]

    assert f"+{STATIC} = 0" in shown
    assert [step["kind"] for step in steps] == ["WriteOptions", "RestartServer"]
    assert guest.verbs == []
