"""The settings of the service: an INI file, read by oslo.config, with every problem at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.errors import InvalidSettings
from guestagent.resources.endpoint.endpoint_settings import EndpointSettings
from guestagent.resources.oslo_options import write_sample
from guestagent.resources.service.settings import ListenAddress, ManagerSettings
from guestagent.resources.service.settings_file import load_manager_settings
from tests.support.page_commands import read_files

PASSWORD = "hidden-words"
DOCUMENT = f"""
[resources]
engine = natives
workers = 4
[store]
connection = mysql+pymysql://manager:{PASSWORD}@db.example/orders
[cloud]
name = mycloud
[endpoint]
public_url = https://manager.example:8785/
listen = [::]:8785
certificate = /etc/guestagent/endpoint.pem
private_key = /etc/guestagent/endpoint.key
authority = /etc/guestagent/ca.pem
[broker]
url = rabbit://manager:{PASSWORD}@broker.example:5671/orders
authority = /etc/guestagent/broker-ca.pem
quorum_queues = yes
notification_topic = outcomes
[metrics]
listen =
"""


def load(folder: Path, text: str, mode: int = 0o600) -> ManagerSettings:
    path = folder / "resources.conf"
    path.write_text(text)
    path.chmod(mode)
    return load_manager_settings(path)


def refuse(folder: Path, text: str, mode: int = 0o600) -> str:
    """Return the problems of a file that is refused, without the file's name."""
    with pytest.raises(InvalidSettings) as refused:
        load(folder, text, mode)
    assert PASSWORD not in repr(refused.value)
    return str(refused.value).removeprefix(f"{folder / 'resources.conf'}: ")


def test_every_option_is_read(tmp_path: Path) -> None:
    settings = load(tmp_path, DOCUMENT)

    assert (settings.engine, settings.workers, settings.settle_s) == ("natives", 4, 120.0)
    assert PASSWORD in settings.store.reveal()
    assert settings.cloud == "mycloud"
    assert settings.guests.public_url == "https://manager.example:8785"
    folder = Path("/etc/guestagent")
    assert settings.guests.server == EndpointSettings(
        "::", 8785, folder / "endpoint.pem", folder / "endpoint.key"
    )
    assert settings.guests.authority == folder / "ca.pem"
    assert settings.broker is not None
    assert (settings.broker.authority, settings.broker.quorum_queues) == (folder / "broker-ca.pem", True)
    assert settings.notification_topic == "outcomes"
    assert settings.metrics is None


def test_an_empty_file_serves_one_host(tmp_path: Path) -> None:
    settings = load(tmp_path, "", 0o644)

    assert settings.store.reveal() == "sqlite:////var/lib/guestagent-resources/orders.db"
    assert settings.notification_topic is None
    assert (settings.engine, settings.cloud, settings.broker) == ("auto", None, None)
    assert settings.guests.public_url is None
    assert settings.metrics == ListenAddress("127.0.0.1", 9785)


def test_no_password_is_shown(tmp_path: Path) -> None:
    assert PASSWORD not in repr(load(tmp_path, DOCUMENT))


def test_a_file_with_a_password_that_others_can_read_is_refused(tmp_path: Path) -> None:
    problem = refuse(tmp_path, DOCUMENT, 0o640)

    path = tmp_path / "resources.conf"
    assert problem == (
        f"settings: expected a file of mode 0600, found 0640, and a password in it (run: chmod 600 {path})"
    )


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    problems = refuse(
        tmp_path, "[resources]\nworkers = 0\nworkrs = 1\n[brokr]\n[broker]\nquorum_queues = 7\n"
    )

    assert problems.split("; ") == [
        "resources.workrs: expected one of engine, workers, settle, found another key",
        "[brokr]: expected one of the sections resources, store, cloud, endpoint, broker, metrics, found another one",
        "resources.workers: expected a whole number between 1 and 64, found 0",
        "broker.quorum_queues: expected true or false, found 7",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("engine = natives", "line 1: expected a section in brackets, or `key = value` below one"),
        (f"[store\n{PASSWORD}", "line 1: expected a section in brackets"),
        (
            "[resources]\nworkers =",
            "resources.workers: expected a whole number between 1 and 64, found nothing",
        ),
        ("[resources]\nworkers = 1\nworkers = 2", "resources.workers: expected one value, found 2"),
        (
            f"[store]\nconnection = mysql://u:{PASSWORD}@h/d",
            "store.connection: expected sqlite:////absolute/path",
        ),
        (
            f"[store]\nconnection = mysql+pymysql://u:{PASSWORD}$x@h/d",
            "store.connection: expected $$ for each $",
        ),
        ("[broker]\nnotification_topic = a b", "broker.notification_topic: expected letters, digits"),
        ("[broker]\nnotification_topic = a", "broker.url: expected a broker for broker.notification_topic"),
        ("[endpoint]\ncertificate = pem", "endpoint.certificate: expected an absolute path, found pem"),
        ("[endpoint]\nlisten = ::1:80", "endpoint.listen: expected an address and a port"),
        ("[endpoint]\nlisten = localhost:port", "endpoint.listen: expected an address and a port"),
        ("[endpoint]\npublic_url = https://host/path", "endpoint.public_url: expected https://host:port"),
        ("[endpoint]\npublic_url = http://10.0.0.1:8785", "endpoint.public_url: expected https://host:port"),
        (
            "[endpoint]\npublic_url = https://host:1\nlisten = 0.0.0.0:1",
            "endpoint.certificate: expected a file in PEM, because documents hold passwords, found none",
        ),
        (
            "[endpoint]\npublic_url = https://host:1\ncertificate = /etc/pem",
            "endpoint.private_key: expected a file: certificate and key belong together, found none",
        ),
        (
            f"[broker]\nurl = rabbit://u:{PASSWORD}@host/v?ssl=1",
            "broker.url: expected a URL without ? and #, found one of them",
        ),
    ],
)
def test_what_cannot_work_is_refused(text: str, problem: str, tmp_path: Path) -> None:
    assert refuse(tmp_path, text).startswith(problem)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidSettings,
        match=r"no\.conf: settings: expected a readable file, found No such file.*sample-settings",
    ):
        load_manager_settings(tmp_path / "no.conf")


@pytest.mark.parametrize("path", ["/dev/zero", "/"])
def test_what_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(InvalidSettings, match="settings: expected a readable file, found something else"):
        load_manager_settings(Path(path))


def test_the_environment_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_RESOURCES__WORKERS", "9")

    assert load(tmp_path, "").workers == 2


def test_the_sample_is_read_as_it_is(tmp_path: Path) -> None:
    assert load(tmp_path, write_sample()) == load(tmp_path, "")


def test_an_option_in_the_default_section_is_refused(tmp_path: Path) -> None:
    assert refuse(tmp_path, "[DEFAULT]\nengine = natives\n").startswith(
        "[DEFAULT]: expected one of the sections"
    )


def test_the_sample_changes_nothing(tmp_path: Path) -> None:
    uncommented = "\n".join(
        line.removeprefix("#")
        for line in write_sample().splitlines()
        if not line.startswith("# ") and "<None>" not in line and line != "#"
    )

    assert load(tmp_path, uncommented) == load(tmp_path, "")


@pytest.mark.parametrize("name", ["orchestrator.conf", "natives.conf", "several-hosts.conf"])
def test_the_files_of_the_page_are_read(name: str, tmp_path: Path) -> None:
    page = Path(__file__).parents[4] / "docs/how-to/resources.md"

    settings = load(tmp_path, read_files(page.read_text())[name])

    assert settings.cloud == "mycloud"
