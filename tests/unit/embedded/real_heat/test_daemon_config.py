"""The daemons' settings: read back as they read them."""

from __future__ import annotations

from collections.abc import Mapping
from configparser import ConfigParser
from datetime import timedelta
from pathlib import Path

from guestagent.embedded.real_heat import daemon_config
from guestagent.embedded.real_heat.passwords import HeatPasswords
from guestagent.embedded.real_heat.paths import RunPaths, ServiceAddresses

AT = ServiceAddresses("http://10.0.0.1:5000", "http://10.0.0.1:8004", "http://10.0.0.1:8000", 1, 2, 3)
LAYOUT = RunPaths(Path("/srv/run"))
PASSWORDS = HeatPasswords.generate()


def read(name: str, auth_ttl: timedelta = timedelta(minutes=15)) -> Mapping[str, Mapping[str, str]]:
    files = daemon_config.build_files(LAYOUT, AT, PASSWORDS, auth_ttl, "")
    parser = ConfigParser(interpolation=None, allow_no_value=True, default_section="nothing")
    parser.read_string(files[name])
    return {section: dict(parser[section]) for section in parser.sections()}


def test_guests_get_the_address_that_they_reach_and_not_heats_own() -> None:
    heat = read("heat.conf")

    assert heat["DEFAULT"]["heat_metadata_server_url"] == "http://10.0.0.1:8000"
    assert heat["DEFAULT"]["heat_waitcondition_server_url"] == "http://10.0.0.1:8000/v1/waitcondition"
    assert (heat["heat_api_cfn"]["bind_host"], heat["heat_api_cfn"]["bind_port"]) == ("127.0.0.1", "3")


def test_heat_reads_no_folder_of_this_machine() -> None:
    heat = read("heat.conf")["DEFAULT"]

    folders = [heat[name] for name in ("plugin_dirs", "environment_dir", "template_dir")]

    assert all(Path(folder).is_relative_to(LAYOUT.folder) for folder in folders)


def test_the_life_of_a_url_is_whole_minutes_and_at_least_one() -> None:
    lives = [timedelta(minutes=15), timedelta(seconds=100), timedelta(seconds=5)]

    assert [read("keystone.conf", life)["credential"]["auth_ttl"] for life in lives] == ["15", "2", "1"]


def test_the_database_is_reached_by_its_socket_alone() -> None:
    assert "skip_networking" in read("mariadb.cnf")["mariadbd"]
    assert "?unix_socket=/srv/run/mysql.sock" in read("heat.conf")["database"]["connection"]


def test_every_statement_of_the_init_file_is_one_line() -> None:
    lines = daemon_config.build_database_statements(PASSWORDS).splitlines()

    assert len(lines) == 6
    assert all(line.endswith(";") for line in lines)


def test_our_filter_takes_the_place_of_heats_own() -> None:
    pipeline = (
        "[filter:ec2authtoken]\n"
        + daemon_config.EC2_FILTER_FACTORY
        + "\n[filter:other]\npaste.filter_factory = x:y\n"
    )

    changed = daemon_config.replace_token_filter(pipeline)

    assert daemon_config.WRAPPED_FILTER_FACTORY in changed
    assert daemon_config.EC2_FILTER_FACTORY not in changed
    assert "x:y" in changed


def test_passwords_survive_their_file_and_show_themselves_nowhere() -> None:
    again = HeatPasswords.parse(PASSWORDS.dump())

    assert again == PASSWORDS
    assert PASSWORDS.admin.reveal() not in repr(PASSWORDS)
    assert len(PASSWORDS.encryption) == 32
