"""The replica's connection to the donor of its source: TLS, the donor's proof, and then its frames."""

from __future__ import annotations

import hashlib
import hmac
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack

from guestagent.database.tls import UnusableCertificate, build_tls_context
from guestagent.errors import SeedError
from guestagent.metadata.document import Tls
from guestagent.metadata.host_port import format_host_port
from guestagent.seeding.request import DonorEndpoint
from guestagent.seeding.stream_frames import Frame, read_frame
from guestagent.seeding.stream_messages import StreamRequest
from guestagent.strict_json import UnreadableContent
from guestagent.time_limit import limit_time

CONNECT_TIMEOUT_S = 10.0
READ_INTERVAL_S = 0.5
CERTIFICATE_NOT_YET_VALID = 9
"""Of OpenSSL. A node that has just booted may not have the time yet."""
CLOCK_ADVICE = "set the clocks of both nodes: another attempt follows"
CERTIFICATE_ADVICE = "give the donor a certificate of this CA, or the replica the certificate's fingerprint"
NO_PROOF = "neither a fingerprint nor a CA is known by which the donor could prove itself"


class DonorClient:
    """A connection whose donor has proved itself. `meanwhile` is called at intervals, and ends the wait by raising.

    All errors are SeedError; those of the network are transient.
    """

    def __init__(self, endpoint: DonorEndpoint, meanwhile: Callable[[], None]) -> None:
        """Connect, and check the donor's certificate before anything is sent."""
        self._name = format_host_port(endpoint.host, endpoint.stream_port)
        self.meanwhile = meanwhile
        context = _build_client_context(endpoint)
        try:
            with ExitStack() as stack:
                address = (endpoint.host, endpoint.stream_port)
                stream = stack.enter_context(socket.create_connection(address, CONNECT_TIMEOUT_S))
                with limit_time(CONNECT_TIMEOUT_S, stream):
                    self._tls = context.wrap_socket(stream, server_hostname=endpoint.host)
                stack.callback(self._tls.close)
                self._check_fingerprint(endpoint.fingerprint)
                self._tls.settimeout(READ_INTERVAL_S)
                stack.pop_all()
        except ssl.SSLCertVerificationError as error:
            is_early = error.verify_code == CERTIFICATE_NOT_YET_VALID
            raise SeedError(
                f"the donor {self._name} has no certificate of the CA: {error.verify_message}",
                CLOCK_ADVICE if is_early else CERTIFICATE_ADVICE,
                is_transient=is_early,
            ) from error
        except OSError as error:
            raise self._build_error(error) from error

    def send(self, request: StreamRequest) -> None:
        """Send the replica's request."""
        try:
            self._tls.settimeout(CONNECT_TIMEOUT_S)
            self._tls.sendall(request.build_line())
            self._tls.settimeout(READ_INTERVAL_S)
        except OSError as error:
            raise self._build_error(error) from error

    def read(self) -> Frame:
        """Wait for the next frame."""
        try:
            return read_frame(self._read_exactly)
        except UnreadableContent as error:
            raise SeedError(f"the donor {self._name} sends {error}", is_transient=True) from error

    def close(self) -> None:
        self._tls.close()

    def _read_exactly(self, size: int) -> bytes:
        buffer = bytearray(size)
        view, filled = memoryview(buffer), 0
        while filled < size:
            try:
                count = self._tls.recv_into(view[filled:])
            except TimeoutError:
                self.meanwhile()
                continue
            except OSError as error:
                raise self._build_error(error) from error
            if not count:
                raise self._build_error(ConnectionError("the connection ended"))
            filled += count
        return bytes(buffer)

    def _check_fingerprint(self, fingerprint: str) -> None:
        if not fingerprint:
            return
        certificate = self._tls.getpeercert(binary_form=True) or b""
        actual = hashlib.sha256(certificate).hexdigest()
        if not hmac.compare_digest(actual, fingerprint.lower()):
            raise SeedError(
                f"the certificate of the donor {self._name} has another fingerprint, {actual}: nothing was sent to it",
                "correct Seeding.Donor.Fingerprint, if this is the source's certificate",
            )

    def _build_error(self, error: OSError) -> SeedError:
        text = error.strerror or str(error)
        return SeedError(f"no connection to the donor {self._name}: {text}", is_transient=True)


def _build_client_context(endpoint: DonorEndpoint) -> ssl.SSLContext:
    if not endpoint.fingerprint and not endpoint.ca:
        raise SeedError(NO_PROOF, "declare Seeding.Donor.Fingerprint, or a CA under GuestAgent.TLS")
    # A fingerprint stands for the certificate itself: nothing else about it matters.
    ca = None if endpoint.fingerprint else endpoint.ca
    try:
        context = build_tls_context(Tls(ca=ca, verify=endpoint.verifies_name))
    except UnusableCertificate as error:
        raise SeedError(str(error), "correct GuestAgent.TLS.CA") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
