"""RabbitMQ's packages, which the tests unpack as they do the database servers. Nothing is installed."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.embedded.database_servers.flavours import build_fingerprint

ERLANG_PARTS = (
    *("asn1", "base", "crypto", "eldap", "ftp", "inets", "mnesia", "os-mon", "parsetools", "public-key"),
    *("runtime-tools", "snmp", "ssl", "syntax-tools", "tftp", "tools", "xmerl"),
)


@dataclass(frozen=True, slots=True)
class BrokerPackages:
    """RabbitMQ and Erlang of one suite, without what their maintainer scripts need."""

    name: str = "rabbitmq310"
    suite: str = "bookworm"
    packages: tuple[str, ...] = ("libncurses6", "libssl3", "libstdc++6", "libsystemd0", "libtinfo6", "zlib1g")
    extra_packages: tuple[str, ...] = ("rabbitmq-server", *(f"erlang-{part}" for part in ERLANG_PARTS))
    left_out_packages: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        return build_fingerprint(self.name, self.suite, *self.packages, *self.extra_packages)

    @property
    def version_command(self) -> tuple[str, ...]:
        """The command that shows that Erlang starts, and prints RabbitMQ's version."""
        return ("/usr/bin/erl", "-noshell", "-eval", f"{PRINT_VERSION} halt().")


PRINT_VERSION = 'io:format("~s~n", [filelib:wildcard("/usr/lib/rabbitmq/lib/rabbitmq_server-*")]),'
