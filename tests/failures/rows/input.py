"""Documents that the agent can never satisfy: it rejects them at once, before it changes anything."""

from __future__ import annotations

from collections.abc import Generator

from tests.failures.row import READY, FailureArea, expect_final, expect_invalid
from tests.failures.server_pair import USER, ApplyAnswer, Pair

area = FailureArea("input that can never work")
ScenarioAnswers = Generator[ApplyAnswer, None, None]


@area.row(
    expect_invalid(
        "Master.User.password: expected a string without any control character or character beyond U+FFFF"
    )
)
def a_password_with_a_character_beyond_the_basic_multilingual_plane(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    yield pair.replica.apply(pair.build_replica_document(password="key \U0001f511"))


@area.row(expect_invalid("Users[0].name"), heals=False)
def a_user_name_in_quotes(pair: Pair) -> ScenarioAnswers:
    yield pair.source.apply(
        pair.build_source_document() | {"Users": [{"name": "'slave0000'", "password": "secret"}]}
    )


@area.row(expect_invalid("it is one of the server's own accounts"), heals=False)
def a_system_account_of_the_server(pair: Pair) -> ScenarioAnswers:
    yield pair.source.apply(
        pair.build_source_document() | {"Users": [{"name": "root", "password": "secret"}]}
    )


@area.row(expect_invalid("an address that leads somewhere"), heals=False)
def an_unspecified_source_address(pair: Pair) -> ScenarioAnswers:
    yield pair.replica.apply(pair.build_replica_document(address="::ffff:0.0.0.0"))


@area.row(expect_invalid("the agent's channels have a heartbeat"), heals=False)
def a_network_timeout_below_the_heartbeat_of_the_channel(pair: Pair) -> ScenarioAnswers:
    variable = pair.choose_statement(mariadb="slave_net_timeout", mysql="replica_net_timeout")
    yield pair.replica.apply(pair.build_replica_document(Variables={variable: 1}))


@area.row(mariadb=READY, mysql=expect_final(f"password of {USER}", "35 bytes"), heals=False, quick=True)
def a_password_of_more_than_32_bytes(pair: Pair) -> ScenarioAnswers:
    yield pair.source.apply(
        pair.build_source_document() | {"Users": [{"name": USER, "password": "pässword" + "é" * 13}]}
    )


@area.row(
    mariadb=READY, mysql=expect_final("user name", "the role with which it marks its accounts"), heals=False
)
def a_user_named_like_the_agent_s_marker_role(pair: Pair) -> ScenarioAnswers:
    yield pair.source.apply(
        pair.build_source_document() | {"Users": [{"name": "guestagent", "password": "secret"}]}
    )


@area.row(expect_final("user name", "started with latin1"), heals=False, quick=True)
def a_user_name_that_the_replica_s_character_set_corrupts(pair: Pair) -> ScenarioAnswers:
    pair.restart_server(pair.replica, "character-set-server=latin1")
    yield pair.replica.apply(pair.build_replica_document(user="réplique"))
    pair.restart_server(pair.replica)


@area.row(mariadb1011=expect_final("TLS", "leave require_secure_transport out"), heals=False)
def a_server_without_tls_that_must_reject_unencrypted_logins(pair: Pair) -> ScenarioAnswers:
    yield pair.source.apply(pair.build_source_document(Variables={"require_secure_transport": True}))
