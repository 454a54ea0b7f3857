"""`guestagent resources`: each verb gives its order, and nothing that is wrong with one is sent."""

from __future__ import annotations

import json
from ipaddress import ip_network
from pathlib import Path

import pytest

from guestagent.cli.resource_commands.order_verbs import CONFIRMED_KINDS, ORDER_VERBS
from guestagent.errors import OrderRefused, Problem, ServiceUnreachable
from guestagent.resources.operation import RefusalCode
from guestagent.resources.order_shapes import ORDER_TYPES
from guestagent.resources.orders import (
    AddInstance,
    Clean,
    CreateCluster,
    CreateRules,
    CreateSecurityGroup,
    DeleteInstance,
    DeleteRules,
    MigrateInstance,
    Order,
    RenewInstance,
    ReplaceInstance,
    ResizeFailure,
    ResizeInstance,
    ResizeVolume,
    RestartInstance,
    RotatePasswords,
    UpdateRuleCidr,
    VolumeFate,
)
from guestagent.resources.rule import build_rule
from guestagent.resources.views import GroupView
from tests.support.orders import build_order
from tests.support.resource_commands import ResourceCommands
from tests.unit.resources.clusters import CLIENTS, MEMBERS

OLD, NEW = ip_network("192.0.2.0/24"), ip_network("198.51.100.0/24")
REPLICA = {"instance": "Slave0000"}
RULE = "network=192.0.2.0/24,port_min=3306"
ORDERS: list[tuple[str, Order]] = [
    (
        "delete-instance shop Slave0000 --volume keep",
        build_order(DeleteInstance, **REPLICA, volume=VolumeFate.KEEP),
    ),
    (
        "add-instance shop --flavor m1.small --image db --volume-size 20 --zone az1",
        build_order(AddInstance, flavor="m1.small", image="db", volume_gib=20, zone="az1"),
    ),
    ("replace-instance shop Slave0000", build_order(ReplaceInstance, **REPLICA)),
    (
        "resize-instance shop Slave0000 --flavor m1.large",
        build_order(ResizeInstance, **REPLICA, flavor="m1.large"),
    ),
    (
        "resize-instance shop Slave0000 --flavor m1.large --on-failure keep",
        build_order(ResizeInstance, **REPLICA, flavor="m1.large", on_failure=ResizeFailure.KEEP),
    ),
    ("migrate-instance shop Slave0000", build_order(MigrateInstance, **REPLICA)),
    ("restart-instance shop Slave0000", build_order(RestartInstance, **REPLICA)),
    ("restart-instance shop Slave0000 --hard", build_order(RestartInstance, **REPLICA, hard=True)),
    ("resize-volume shop Slave0000 --size 20", build_order(ResizeVolume, **REPLICA, size_gib=20)),
    ("renew-instance shop Slave0000", build_order(RenewInstance, **REPLICA)),
    ("rotate-passwords shop", build_order(RotatePasswords)),
    ("create-group shop web", build_order(CreateSecurityGroup, group="web")),
    (
        f"create-group shop web --rules {RULE}",
        build_order(CreateSecurityGroup, group="web", rules=(build_rule(OLD, port_min=3306),)),
    ),
    (
        f"add-rules shop database {RULE} ingress/IPv6/ipv6-icmp/any/group",
        build_order(
            CreateRules,
            group="database",
            rules=(CLIENTS, build_rule(None, "ipv6-icmp", ethertype="IPv6")),
        ),
    ),
    (
        f"delete-rules shop database {CLIENTS.key}",
        build_order(DeleteRules, group="database", rules=(CLIENTS,)),
    ),
    (
        f"update-rule shop database --rule {RULE} --to {NEW}",
        build_order(UpdateRuleCidr, group="database", rule=CLIENTS, network=NEW),
    ),
    (
        f"update-rule shop database --cidr {OLD} --to {NEW}",
        build_order(UpdateRuleCidr, group="database", rule=CLIENTS, network=NEW),
    ),
    ("clean shop fake-0123456789abcdef", build_order(Clean, findings=("fake-0123456789abcdef",))),
]


class OrderRecorder(ResourceCommands):
    """Commands whose orders are kept in place of being checked."""

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[Order] = []
        self.engine.groups = (GroupView(cluster="shop", name="database", wanted_rules=(CLIENTS, MEMBERS)),)
        self.engine.orders = frozenset(ORDER_TYPES)
        self.make_cluster()
        self.engine.apply_order = self._keep_order  # type: ignore[method-assign]

    def _keep_order(self, wanted: str | None, order: Order) -> str | None:
        self.orders.append(order)
        return wanted


@pytest.mark.parametrize(("words", "order"), ORDERS, ids=[words for words, _ in ORDERS])
def test_a_verb_gives_its_order(words: str, order: Order) -> None:
    commands = OrderRecorder()
    yes = ["--yes"] if order.kind in CONFIRMED_KINDS else []

    code = commands.run(*words.split(), *yes, "--request-id", order.request_id)

    assert (code, commands.orders) == (0, [order])


def test_every_kind_of_order_has_its_verb() -> None:
    assert ORDER_TYPES.keys() - ORDER_VERBS.keys() == set()
    assert len({verb.name for verb in ORDER_VERBS.values()}) == len(ORDER_VERBS)


def test_a_cluster_is_created_from_a_file(tmp_path: Path) -> None:
    commands, file = ResourceCommands(), tmp_path / "cluster.yaml"
    file.write_text("source: {}\nreplicas: 2\nvolume: {size_gib: 10}\n")

    code = commands.run("create", "shop", "-f", str(file))

    [operation] = commands.manager.operations("shop")
    assert (code, operation.kind) == (0, "create_cluster")


def test_the_file_of_a_ca_is_sent_and_not_its_name(tmp_path: Path) -> None:
    commands = OrderRecorder()
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    file = tmp_path / "cluster.yaml"
    file.write_text("source: {}\ntls: {ca: ca.pem, verify: true}\n")

    commands.run("create", "other", "-f", str(file))

    [order] = commands.orders
    assert isinstance(order, CreateCluster)
    assert order.description["tls"] == {"ca": "-----BEGIN CERTIFICATE-----\n", "verify": True}


def test_without_an_id_a_new_one_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    commands = OrderRecorder()

    commands.run("renew-instance", "shop", "Slave0000")
    commands.run("renew-instance", "shop", "Slave0000")

    newest, older, _ = commands.manager.operations("shop")
    ids = [older.request_id, newest.request_id]
    assert len(set(ids)) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("request id")]
    assert lines == [f"request id: {each}" for each in ids]


@pytest.mark.parametrize(
    ("written", "network"), [("198.51.100.0/24", "198.51.100.0/24"), ("2001:DB8:0::/32", "2001:db8::/32")]
)
def test_the_same_id_gives_the_same_operation(
    written: str, network: str, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = OrderRecorder()
    words = f"update-rule shop database --cidr {OLD} --to {written} --request-id one --json".split()
    commands.run(*words)
    first = json.loads(capsys.readouterr().out)
    moved = CLIENTS.with_network(ip_network(network))
    commands.engine.groups = (GroupView(cluster="shop", name="database", wanted_rules=(moved, MEMBERS)),)

    commands.run(*words)

    assert json.loads(capsys.readouterr().out) == first


def test_an_order_without_an_answer_names_the_id_to_repeat_it_with(
    capsys: pytest.CaptureFixture[str],
) -> None:
    commands = OrderRecorder()
    commands.manager.after_submit = ServiceUnreachable("resource manager: no answer in time")

    code = commands.run("renew-instance", "shop", "Slave0000", "--request-id", "mine")

    assert code == 13
    assert capsys.readouterr().err == (
        "guestagent: resource manager: no answer in time; the order may have been accepted: repeat this command with "
        "--request-id mine\n"
    )


BAD_WORDS = [
    ("resize-volume shop Slave0000", 2, "the following arguments are required: --size"),
    ("resize-volume shop Slave0000 --size big", 2, "--size: expected an integer from 1 to"),
    ("resize-volume Shop Slave0000 --size 9", 2, "CLUSTER: expected lower-case letters"),
    ("resize-volume shop Slave-1 --size 9", 2, "INSTANCE: expected the name of an instance"),
    ("delete shop", 2, "the following arguments are required: --volumes"),
    ("delete shop --volumes all", 2, "argument --volumes: invalid choice: 'all'"),
    ("delete shop --volumes keep", 2, "--yes: expected --yes, because there is no terminal"),
    (
        "delete-instance shop Slave0000 --volume delete",
        2,
        "--yes: expected --yes, because there is no terminal",
    ),
    ("clean shop fake-0123", 2, "--yes: expected --yes, because there is no terminal"),
    ("add-rules shop database", 2, "the following arguments are required: RULE"),
    (
        "add-rules shop database tcp",
        2,
        "RULE: expected KEY=VALUE,... or a rule as `show` prints it, found 'tcp'",
    ),
    ("add-rules shop database port=1", 2, "RULE[0].port: expected one of"),
    ("add-rules shop database protocol=tcp,protocol=udp", 2, "found a key twice"),
    ("add-rules shop database network=192.0.2.1/24", 2, "RULE[0].network: expected a network in CIDR form"),
    ("update-rule shop database --to 192.0.2.0/24", 2, "one of the arguments --cidr --rule is required"),
    (
        f"update-rule shop database --cidr {NEW} --to {OLD}x",
        2,
        "--cidr: expected the network of one rule of database, found none",
    ),
    (f"update-rule shop database --cidr {OLD} --to any", 2, "--to: expected a network in CIDR form"),
    (f"update-rule shop web --cidr {OLD} --to {NEW}", 12, "no security group web; there is: database"),
    ("renew-instance shop Slave0000 --request-id a/b", 2, "--request-id: expected letters, digits"),
    ("renew-instance shop Slave0000 --request-id=", 2, "--request-id: expected a string that is not empty"),
    ("renew-instance shop Slave0000 --timeout 5", 2, "--timeout: expected --wait beside it, found none"),
    ("renew-instance shop Slave0000 --wait --timeout 0", 2, "--timeout: expected a number of seconds"),
    ("create shop -f /nowhere/cluster.yaml", 2, "/nowhere/cluster.yaml: expected a readable file"),
]


@pytest.mark.parametrize(("words", "code", "message"), BAD_WORDS, ids=[case[0] for case in BAD_WORDS])
def test_a_bad_order_is_not_sent(
    words: str, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = OrderRecorder()

    assert commands.run(*words.split()) == code

    assert message in capsys.readouterr().err
    assert commands.orders == []


DESCRIPTIONS = {
    "[]": "document: expected a mapping, the content of a cluster.yaml, found another value",
    "a: {": "document: expected YAML or JSON",
    "passwords: {file: secrets}": "passwords: expected heat or generated, found a file of passwords",
    "tls: {ca: none.pem}": "none.pem: expected a readable file",
    "tls: {ca: cluster.yaml}": "tls.ca: expected a file with certificates in PEM, found none in it",
}


@pytest.mark.parametrize(("text", "message"), DESCRIPTIONS.items())
def test_a_bad_description_is_not_sent(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands, file = ResourceCommands(), tmp_path / "cluster.yaml"
    file.write_text(text)

    assert commands.run("create", "shop", "-f", str(file)) == 2

    assert message in capsys.readouterr().err
    assert commands.manager.clusters() == ()


def test_a_refusal_shows_its_code_and_every_problem(capsys: pytest.CaptureFixture[str]) -> None:
    commands = ResourceCommands()
    commands.make_cluster()

    code = commands.run("resize-volume", "shop", "Slave0000", "--size", "5", "--request-id", "a")

    assert code == 12
    reported = capsys.readouterr().err
    assert reported.startswith("guestagent: invalid: ")
    assert "guestagent: --size: expected at least 10, the present size, found 5" in reported


def test_a_refused_description_is_named_by_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands, file = ResourceCommands(), tmp_path / "cluster.yaml"
    file.write_text("{}")
    problem = Problem("description.source.volume", "a mapping", "nothing")
    commands.manager.after_submit = OrderRefused(RefusalCode.INVALID, "the description is invalid", [problem])

    assert commands.run("create", "shop", "-f", str(file)) == 12

    assert f"guestagent: {file}: source.volume: expected a mapping" in capsys.readouterr().err
