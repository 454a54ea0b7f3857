"""TLS to a real RabbitMQ: its certificate and its name are verified by services and by callers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from guestagent.errors import ServiceUnreachable
from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.resources.rpc.messaging import MessageServer
from guestagent.secret import Secret
from tests.support.certificates import CertificateAuthority
from tests.support.message_broker.broker import MessageBroker, open_broker
from tests.support.message_broker.broker_clients import (
    build_intake,
    closing_server,
    open_client,
    open_server,
)
from tests.support.polling import wait_until

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def tls_broker(
    authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MessageBroker]:
    with open_broker(tmp_path_factory.mktemp("tls") / "b", authority.valid) as broker:
        yield broker


@pytest.fixture
def settings(tls_broker: MessageBroker, authority: CertificateAuthority) -> BrokerSettings:
    return BrokerSettings(Secret(tls_broker.build_url("/")), authority.ca)


def test_requests_go_over_tls(settings: BrokerSettings) -> None:
    with open_server(settings, build_intake()), open_client(settings) as client:
        assert client.capabilities().engine == "fake"


def test_a_broker_of_another_authority_is_refused(
    settings: BrokerSettings, authority: CertificateAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    settings = replace(settings, authority=authority.other_ca.ca)

    with (
        open_client(settings) as client,
        pytest.raises(ServiceUnreachable, match="certificate verify failed"),
    ):
        client.capabilities()
    with closing_server(MessageServer(settings, build_intake(), "one")) as server:
        wait_until(lambda: "certificate verify failed" in caplog.text)

    assert not server.is_serving


def test_a_broker_of_another_name_is_refused(settings: BrokerSettings) -> None:
    url = settings.url.reveal().replace("@127.0.0.1:", "@localhost:")

    with (
        open_client(replace(settings, url=Secret(url))) as client,
        pytest.raises(ServiceUnreachable, match="Hostname mismatch"),
    ):
        client.capabilities()


def test_a_caller_in_clear_is_told_what_to_set(settings: BrokerSettings) -> None:
    with (
        open_client(replace(settings, authority=None)) as client,
        pytest.raises(ServiceUnreachable, match=r"does the broker want TLS \(broker.authority\)"),
    ):
        client.capabilities()
