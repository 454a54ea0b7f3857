"""One connection of a replica: its login, its wait in the queue, and its stream."""

from __future__ import annotations

import hashlib
import shutil
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from guestagent.byte_units import MIB
from guestagent.errors import GuestAgentError, SeedError, StorageError
from guestagent.seeding.donor.backup_source import BackupSource, build_backup_command
from guestagent.seeding.donor.configuration import DonorConfiguration
from guestagent.seeding.donor.connections import ConnectionTable, DonorConnection
from guestagent.seeding.donor.data_size import measure_data
from guestagent.seeding.donor.environment import DonorEnvironment
from guestagent.seeding.donor.linked_tables import check_linked_tables
from guestagent.seeding.donor.login_limit import LoginLimit
from guestagent.seeding.donor.rate_limit import combine_limits
from guestagent.seeding.donor.stream_queue import StreamQueue, Ticket
from guestagent.seeding.server_facts import build_facts
from guestagent.seeding.stream_frames import LINE_LIMIT, FrameKind, build_data_frame, build_message
from guestagent.seeding.stream_messages import (
    ZSTD,
    StreamOffer,
    StreamRequest,
    StreamTrailer,
    parse_stream_request,
)
from guestagent.strict_json import UnreadableContent
from guestagent.time_limit import limit_time

LOGIN_TIMEOUT_S = 10.0
SEND_TIMEOUT_S = 60.0
FAILURE_INTERVAL_S = 0.5
PROGRESS_INTERVAL_S = 1.0
ADMISSION_ADVICE = (
    "the source's agent admits a replica when its metadata name it, and until its seed is over; after that, "
    "`guestagent cluster repair STACK NODE --reseed` begins another one"
)


class StreamEnded(Exception):
    """The stream is over before its end: the replica has left or does not join any more, or the service is stopping."""


@dataclass(frozen=True, slots=True)
class DonorState:
    """What all sessions share. `read_wanted`: the configuration as it is now, None when no replica joins."""

    environment: DonorEnvironment
    queue: StreamQueue
    limit: LoginLimit
    connections: ConnectionTable
    read_wanted: Callable[[], DonorConfiguration | None]


class Session:
    """One connection, in a thread of its own. Whatever happens ends in a log line, and closes the connection."""

    def __init__(self, state: DonorState, context: ssl.SSLContext, connection: DonorConnection) -> None:
        self._state, self._context, self._connection = state, context, connection

    def serve(self, stream: socket.socket) -> None:
        """Serve the connection to its end."""
        log = self._state.environment.log
        name = self._connection.address
        with ExitStack() as stack:
            stack.callback(self._state.connections.remove, self._connection)
            try:
                with limit_time(LOGIN_TIMEOUT_S, stack.enter_context(stream)):
                    tls = stack.enter_context(self._context.wrap_socket(stream, server_side=True))
                    request = parse_stream_request(_read_line(tls))
                name = request.node
                tls.settimeout(SEND_TIMEOUT_S)
                self._answer(tls, request)
            except (OSError, UnreadableContent, StreamEnded) as error:
                log(f"{name}: the connection has ended early: {error}")

    def _answer(self, tls: ssl.SSLSocket, request: StreamRequest) -> None:
        state = self._state
        configuration = state.read_wanted()
        if configuration is None or not self._is_admitted(configuration, request):
            self._wait_after_failure(state.limit.add_failure(self._connection.address))
            state.environment.log(
                f"{self._connection.address}: no replica joins with this node, account and password"
            )
            reason = "it knows no joining replica with this node, account and password"
            tls.sendall(_build_refusal(reason, is_final=False, advice=ADMISSION_ADVICE))
            return
        state.limit.forget(self._connection.address)
        state.connections.log_in(self._connection, request.node)
        ticket = state.queue.join(request.node)
        try:
            self._wait_for_turn(tls, request, ticket)
            self._stream(tls, request, ticket, configuration)
        except GuestAgentError as error:
            state.environment.log(f"{request.node}: no stream: {error}")
            is_final = isinstance(error, SeedError) and not error.is_transient
            tls.sendall(_build_refusal(str(error), is_final=is_final, advice=error.advice))
        finally:
            state.queue.leave(ticket)

    def _wait_after_failure(self, seconds: float) -> None:
        """Wait before the answer to a wrong password, unless the connection is dropped meanwhile."""
        clock = self._state.environment.clock
        until = clock.now() + seconds
        while (left := until - clock.now()) > 0 and not self._connection.is_dropped:
            clock.sleep(min(left, FAILURE_INTERVAL_S))

    def _is_admitted(self, configuration: DonorConfiguration, request: StreamRequest) -> bool:
        return configuration.find_replica(request.node, request.user, request.password) is not None

    def _wait_for_turn(self, tls: ssl.SSLSocket, request: StreamRequest, ticket: Ticket) -> None:
        while place := self._state.queue.wait(ticket, PROGRESS_INTERVAL_S):
            self._check_wanted(request, ticket)
            tls.sendall(build_message(FrameKind.WAIT, {"queue": place}))
        self._check_wanted(request, ticket)

    def _check_wanted(self, request: StreamRequest, ticket: Ticket) -> None:
        configuration = self._state.read_wanted()
        if configuration is None or not self._is_admitted(configuration, request):
            raise StreamEnded("the replica does not join any more, or the service is stopping")
        if ticket.is_cancelled:
            raise StreamEnded("the replica has opened a new connection")

    def _stream(
        self, tls: ssl.SSLSocket, request: StreamRequest, ticket: Ticket, configuration: DonorConfiguration
    ) -> None:
        environment = self._state.environment
        variables = environment.read_server_variables(configuration)
        facts = build_facts(variables)
        environment.check_program_version(facts.version)
        check_linked_tables(configuration.data_directory)
        is_compressed = ZSTD in request.compressions and environment.programs.has_program(ZSTD)
        offer = StreamOffer(
            facts,
            measure_data(configuration.data_directory, variables),
            int(variables.get("innodb_log_file_size") or 0),
            ZSTD if is_compressed else "",
        )
        tls.sendall(build_message(FrameKind.OFFER, offer.as_json()))
        _create_temporary(environment)
        command = build_backup_command(
            configuration.socket, environment.user, configuration.data_directory, str(environment.temporary)
        )
        bytes_per_s = combine_limits(configuration.rate_limit * MIB, request.rate_limit)
        environment.log(f"{request.node}: a backup begins, of about {offer.data_bytes / MIB:.0f} MiB")
        source = BackupSource(
            environment.programs, command, environment.clock, bytes_per_s, is_compressed=is_compressed
        )
        try:
            trailer = self._send(tls, source, lambda: self._check_wanted(request, ticket))
        finally:
            source.kill()
            shutil.rmtree(environment.temporary, ignore_errors=True)
        result = "is complete" if trailer.has_completed else f"has failed: {trailer.last_words}"
        environment.log(f"{request.node}: the backup of {trailer.backup_bytes / MIB:.0f} MiB {result}")

    def _send(
        self, tls: ssl.SSLSocket, source: BackupSource, check_wanted: Callable[[], None]
    ) -> StreamTrailer:
        clock, digest, sent_bytes = self._state.environment.clock, hashlib.sha256(), 0
        next_progress = clock.now()
        while (chunk := source.read(PROGRESS_INTERVAL_S)) != b"":
            if chunk is not None:
                digest.update(chunk)
                sent_bytes += len(chunk)
                tls.sendall(build_data_frame(chunk))
            if clock.now() >= next_progress:
                next_progress = clock.now() + PROGRESS_INTERVAL_S
                check_wanted()
                tls.sendall(build_message(FrameKind.PROGRESS, {"backup_bytes": source.backup_bytes}))
        exit_code, has_completed, last_words = source.finish()
        trailer = StreamTrailer(
            exit_code, has_completed, sent_bytes, source.backup_bytes, digest.hexdigest(), last_words
        )
        tls.sendall(build_message(FrameKind.TRAILER, trailer.as_json()))
        return trailer


def _read_line(tls: ssl.SSLSocket) -> bytes:
    """Read the replica's line. Raises UnreadableContent if it is too long, or does not end."""
    line = b""
    while not line.endswith(b"\n"):
        chunk = tls.recv(LINE_LIMIT + 1 - len(line))
        line += chunk
        if not chunk or len(line) > LINE_LIMIT:
            raise UnreadableContent("not one line of a replica")
    return line


def _create_temporary(environment: DonorEnvironment) -> None:
    """Create mariadb-backup's folder, empty. It is this user's alone. Raises StorageError."""
    folder = environment.temporary
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise StorageError(f"cannot create {folder}: {error.strerror}") from error


def _build_refusal(reason: str, *, is_final: bool, advice: str = "") -> bytes:
    return build_message(FrameKind.REFUSAL, {"reason": reason, "advice": advice, "is_final": is_final})
