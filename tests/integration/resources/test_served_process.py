"""The service as a process: orders of the same host, its end, a kill in the middle of a creation, and refusals."""

from __future__ import annotations

import re
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import openstack
import pytest
import requests

from guestagent.embedded import Serving, serving
from guestagent.errors import OrderRefused
from guestagent.resources.natives.cloud_api import CloudObservation
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import CreateCluster, DeleteCluster, VolumeFate
from guestagent.resources.service.assembly import open_local_manager
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import find_free_port
from tests.support.heat_requests import get_fake_hypervisor
from tests.support.imitated_guests import ImitatedGuests
from tests.support.orders import LONE_SOURCE, await_end, build_order, carry_out
from tests.support.polling import wait_until
from tests.support.served_manager import HOST, ServedManager, serve_manager

pytestmark = pytest.mark.timeout(900)

NATIVES = {"resources": "engine = natives"}


@pytest.fixture
def served() -> Iterator[Serving]:
    with serving() as served, ImitatedGuests(get_fake_hypervisor(served)):
        yield served


@pytest.fixture
def service(served: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedManager]:
    with serve_manager(tmp_path, served.connect, NATIVES) as service:
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(service.clouds_file))
        yield service


def observe(served: Serving) -> CloudObservation:
    with openstack.connect(**served.connect) as connection:
        return OpenStackProject(connection).observe()


def read_engine(service: ServedManager, name: str) -> str:
    """Return the engine that commands of the same host use with this setting."""
    with open_local_manager(replace(service.settings, engine=name)) as manager:
        return manager.capabilities().engine


def ignores_reloads(service: ServedManager) -> bool:
    """Return whether the process ignores SIGHUP now."""
    if service.process is None:
        return False
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    ignored = int(re.findall(r"^SigIgn:\t(\w+)$", status, re.MULTILINE)[0], 16)
    return bool(ignored & 1 << signal.SIGHUP - 1)


def test_a_reload_during_the_start_does_not_end_the_service(service: ServedManager) -> None:
    start = threading.Thread(target=service.start)
    start.start()
    wait_until(lambda: ignores_reloads(service))
    assert service.process is not None

    service.process.send_signal(signal.SIGHUP)
    start.join()

    wait_until(lambda: "the resource manager is ready" in service.log)
    assert service.process.poll() is None


def test_orders_of_the_same_host_are_carried_out(service: ServedManager, served: Serving) -> None:
    service.start()
    assert "back this file up" in service.log

    with open_local_manager(service.settings) as manager:
        created = carry_out(manager, CreateCluster, description=LONE_SOURCE)
        assert created.state is OperationState.DONE, created
        health, metrics = service.read_page("/healthz"), service.read_page("/metrics").text
        deleted = carry_out(manager, DeleteCluster, volumes=VolumeFate.DELETE)

    assert deleted.state is OperationState.DONE, deleted
    assert not observe(served).servers
    assert health.status_code == 200, health.text
    assert 'operations{kind="create_cluster",state="done"} 1' in metrics
    assert re.search(r'requests_total\{service="compute",method="POST",status="202"\} 1', metrics)
    assert re.search(r'signals_total\{result="success"\} [1-9]', metrics)
    started_at = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - started_at < 30


def test_a_killed_service_goes_on_with_a_creation(service: ServedManager, served: Serving) -> None:
    service.start()
    with open_local_manager(service.settings) as manager:
        operation = manager.submit(build_order(CreateCluster, description=LONE_SOURCE))
        while not observe(served).volumes:
            time.sleep(0.05)
        service.stop(signal.SIGKILL)
        service.start()

        created = await_end(manager, operation)

    assert created.state is OperationState.DONE, created
    seen = observe(served)
    assert (len(seen.servers), len(seen.volumes), len(seen.ports)) == (1, 1, 1)
    assert service.log.count("new keys in") == 1


def test_a_service_without_the_keys_of_its_clusters_does_not_start(service: ServedManager) -> None:
    with open_local_manager(service.settings) as manager:
        manager.submit(build_order(CreateCluster, description=LONE_SOURCE))
    service.start()
    with open_local_manager(service.settings) as manager:
        while not manager.operations("shop")[0].started_at:
            time.sleep(0.05)
    service.stop()
    keys = service.settings.guests.key_file
    kept = keys.rename(keys.with_suffix(".kept"))

    refused = service.run()

    assert refused.returncode == 8
    assert "keys.json is missing, which these clusters depend on: shop" in refused.stderr
    assert not keys.exists()
    kept.rename(keys)
    service.start()


def test_a_cluster_that_cannot_be_read_keeps_no_other_from_being_served(service: ServedManager) -> None:
    service.start()
    with open_local_manager(service.settings) as manager:
        carry_out(manager, CreateCluster, cluster="broken", description=LONE_SOURCE)
    service.stop()
    with closing(sqlite3.connect(service.folder / "store/orders.db")) as database, database:
        database.execute("UPDATE clusters SET wanted = '{\"version\": 99}' WHERE name = 'broken'")

    service.start()

    assert "cluster broken may need any key, and is left alone: the store was written by" in service.log
    health = service.read_page("/healthz").json()["checks"]
    assert health["keys"]["detail"].startswith("it is unknown which keys these clusters need: broken: ")
    with open_local_manager(service.settings) as manager:
        created = carry_out(manager, CreateCluster, description=LONE_SOURCE)
        with pytest.raises(OrderRefused, match="these clusters follow the source of shop: broken: "):
            manager.submit(build_order(DeleteCluster, volumes=VolumeFate.DELETE))
    assert created.state is OperationState.DONE, created


def test_clusters_of_natives_are_abandoned_by_name_alone(service: ServedManager, served: Serving) -> None:
    with open_local_manager(service.settings) as manager:
        manager.submit(build_order(CreateCluster, description=LONE_SOURCE))
    service.settings_file.write_text(
        service.settings_file.read_text().replace("engine = natives", "engine = orchestrator")
    )

    refused = service.run()

    assert refused.returncode == 2
    assert "resources.engine: expected an engine that serves every cluster" in refused.stderr
    assert "shop (of natives), found orchestrator (set engine = migration" in refused.stderr
    assert read_engine(service, "auto") == "migration"
    service.start("--abandon", "shop")
    with open_local_manager(service.settings) as manager:
        assert manager.operations("shop")[0].state is OperationState.ACCEPTED
    assert service.stop() == 0
    assert not observe(served).volumes


@pytest.mark.patient
def test_a_round_that_waits_for_the_cloud_does_not_keep_the_service(
    service: ServedManager, served: Serving
) -> None:
    service.start()
    served.fault("nova", "slow", seconds=600, delay=300)
    with open_local_manager(service.settings) as manager:
        manager.submit(build_order(CreateCluster, description=LONE_SOURCE))
        while not manager.operations("shop")[0].started_at:
            time.sleep(0.05)
    started_at = time.monotonic()

    exit_code = service.stop()

    assert exit_code == 0
    assert time.monotonic() - started_at < 70
    assert "a request to the cloud takes too long, and is cut" in service.log


@pytest.mark.parametrize(
    ("options", "exit_code", "message"),
    [
        ({"resources": "engine = nativ"}, 2, "resources.engine: expected auto, or one of"),
        ({"resources": "workers = many"}, 2, "resources.workers: expected a whole number between 1 and 64"),
        ({"metrics": "listen = 127.0.0.1"}, 2, "metrics.listen: expected an address and a port"),
        ({"broker": "url = rabbit://u:hidden@h/v?ssl=1"}, 2, "broker.url: expected a URL without ? and #"),
    ],
)
def test_settings_that_cannot_work_end_the_service(
    options: dict[str, str], exit_code: int, message: str, served: Serving, tmp_path: Path
) -> None:
    with serve_manager(tmp_path, served.connect, options) as service:
        refused = service.run()

    assert refused.returncode == exit_code
    assert f"guestagent: {service.settings_file}: {message}" in refused.stderr
    assert "hidden" not in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_renewed_certificate_is_served_after_a_signal(
    served: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, port = CertificateAuthority(tmp_path), find_free_port()
    files = authority.valid
    endpoint = (
        f"public_url = https://{HOST}:{port}\nlisten = {HOST}:{port}\nkey_file = {tmp_path}/store/keys.json\n"
        f"certificate = {files.certificate}\nprivate_key = {files.key}\nauthority = {files.ca}"
    )
    with serve_manager(tmp_path, served.connect, {**NATIVES, "endpoint": endpoint}) as service:
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(service.clouds_file))
        service.start()
        renewed = authority.sign("renewed")
        files.certificate.write_text(renewed.certificate.read_text())
        files.key.write_text(renewed.key.read_text())
        assert service.process is not None
        service.process.send_signal(signal.SIGHUP)
        while "the endpoint serves the certificate that" not in service.log:
            time.sleep(0.05)

        health = requests.get(f"https://{HOST}:{port}/healthz", verify=str(files.ca), timeout=60)
        metrics = service.read_page("/metrics").text

        assert health.status_code == 200
        assert 'certificates_total{result="used"} 1' in metrics
        assert service.stop() == 0
