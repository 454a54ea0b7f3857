"""The scenario of the resource manager's demo on a fake cloud: its orders, and that it notices every problem."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from guestagent.cli.command_line import main
from guestagent.demo import DemoEvent, DemoResult, InstanceChanged, ProgressMessage, run_managed_demo
from guestagent.demo.endpoint_certificate import create_endpoint_certificate
from guestagent.demo.fake_managed_cloud import FakeManagedCloud
from guestagent.resources.endpoint.endpoint_settings import EndpointSettings
from guestagent.resources.service.endpoint_certificate import verify_certificate
from guestagent.resources.views import AuditFinding, FindingKind

ROW_INTERVAL_S = 0.0005


def run_demo(
    cloud: FakeManagedCloud,
    events: list[DemoEvent] | None = None,
    *,
    keep: bool = False,
    engine: str = "natives",
) -> DemoResult:
    all_events: list[DemoEvent] = [] if events is None else events
    return run_managed_demo(
        cloud, all_events.append, cloud.clock, engine=engine, keep=keep, row_interval_s=ROW_INTERVAL_S
    )


def test_a_good_play_gives_every_order_and_leaves_nothing() -> None:
    cloud = FakeManagedCloud()

    result = run_demo(cloud)

    assert result.problems == ()
    assert result.rows > 0
    assert cloud.engines == ["natives"]
    assert [order.kind for order in cloud.orders] == [
        "create_cluster",
        "add_instance",
        "resize_volume",
        "update_rule_cidr",
        "resize_instance",
        "delete_cluster",
    ]
    assert cloud.list_servers() == ()


def test_every_order_is_announced_and_its_instances_are_shown() -> None:
    events: list[DemoEvent] = []

    run_demo(FakeManagedCloud(), events)

    texts = [event.text for event in events if isinstance(event, ProgressMessage)]
    assert "the source has proved a file system of 2.0 GiB" in " ".join(texts)
    assert {event.view.name for event in events if isinstance(event, InstanceChanged)} == {
        "Master0000",
        "Slave0000",
        "Slave0001",
    }


def test_a_kept_cluster_stays() -> None:
    cloud = FakeManagedCloud()

    assert run_demo(cloud, keep=True).problems == ()
    assert len(cloud.list_servers()) == 3


@pytest.mark.parametrize(
    ("cloud", "problem"),
    [
        (FakeManagedCloud(blind_nodes=("Master0000",)), "Master0000 has proved 1.0 GiB of a volume of 2 GiB"),
        (
            FakeManagedCloud(is_visible=lambda node, number: (node, number) != ("Slave0000", 1)),
            "Slave0000 lacks 1 of ",
        ),
        (FakeManagedCloud(leftover_nodes=("Slave0000",)), "the server of Slave0000 still exists"),
        (
            FakeManagedCloud(
                findings=(
                    AuditFinding(
                        id="1", kind=FindingKind.ORPHAN, resource="volume", cloud_id="v", text="volume v"
                    ),
                )
            ),
            "left after the deletion: volume v",
        ),
        (FakeManagedCloud(rejected_row=3), "writing ended: "),
    ],
    ids=["growth", "row", "server", "remains", "write"],
)
def test_every_problem_is_noticed(cloud: FakeManagedCloud, problem: str) -> None:
    result = run_demo(cloud)

    assert any(each.startswith(problem) for each in result.problems), result.problems


def test_a_service_that_goes_over_to_heat_keeps_the_old_cluster_with_its_engine() -> None:
    cloud, events = FakeManagedCloud(), list[DemoEvent]()

    result = run_demo(cloud, events, engine="migration")

    assert result.problems == ()
    assert cloud.engines == ["natives", "migration"]
    texts = [event.text for event in events if isinstance(event, ProgressMessage)]
    assert "demo belongs to natives: the fake says so" in texts
    assert "next belongs to orchestrator: the fake says so" in texts
    assert [order.cluster for order in cloud.orders if order.kind == "delete_cluster"] == ["next", "demo"]


def test_a_cluster_of_another_engine_is_noticed() -> None:
    result = run_demo(FakeManagedCloud(forgets_owners=True), engine="migration")

    assert result.problems == ("demo belongs to orchestrator, not to natives",)


def test_an_order_that_fails_ends_the_play_with_its_reason() -> None:
    result = run_demo(FakeManagedCloud(failing_kind="resize_volume"))

    assert (result.problems, result.exit_code) == (("resize_volume: as the test wants",), 14)


def test_the_endpoints_certificate_is_valid_for_its_address_alone(tmp_path: Path) -> None:
    created = create_endpoint_certificate("10.99.7.1")
    texts = {"leaf.pem": created.certificate, "leaf.key": created.key.reveal(), "ca.pem": created.authority}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    settings = EndpointSettings("10.99.7.1", 0, tmp_path / "leaf.pem", tmp_path / "leaf.key")

    assert verify_certificate(settings, tmp_path / "ca.pem", "10.99.7.1") is not None

    strict = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    assert len(strict.get_ca_certs()) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--image",), "--image: expected nothing, with --engine"),
        (("--seed",), "--seed: expected nothing, with --engine"),
        (("--subnet", "fd00:78::/64"), "--subnet: expected a subnet of IPv4 with --engine"),
    ],
)
def test_options_that_the_resource_manager_does_not_have_are_rejected(
    options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["demo", "--engine", "natives", *options])

    assert (code, message in capsys.readouterr().err) == (2, True)
