"""The floor of a seed: files through tar, zstd if the method compresses, and TLS, without a database.

Run as a process on either side, `send` or `receive`, with its FloorPlan as a JSON argument.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

CHUNK_BYTES = 256 * 1024
TAR = ("tar", "--blocking-factor=512")
TAR_CHANGED_STATUS = 1  # a file has changed while tar read it: the writer goes on


@dataclass(frozen=True, slots=True)
class FloorPlan:
    """`folder`: that of the files, and the one to extract them to. `names`: a file with the names, one a line.

    `pack` and `unpack` are the commands of the compression, empty for none.
    """

    host: str
    port: int
    certificate: str
    key: str
    folder: str
    target: str
    names: str
    pack: tuple[str, ...] = ()
    unpack: tuple[str, ...] = ()

    def build_command(self, side: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "tests.bench.seed.floor_stream", side, json.dumps(asdict(self)))


def send_files(plan: FloorPlan) -> None:
    """Send everything to the first connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(plan.certificate, plan.key)
    with socket.create_server((plan.host, plan.port)) as listener:
        print("listening", flush=True)
        stream, _ = listener.accept()
    with context.wrap_socket(stream, server_side=True) as tls:
        tar = subprocess.Popen(
            (*TAR, "--create", f"--directory={plan.folder}", f"--files-from={plan.names}"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        programs = [tar]
        if plan.pack:
            programs.append(subprocess.Popen(plan.pack, stdin=tar.stdout, stdout=subprocess.PIPE))
        source = programs[-1].stdout
        assert source is not None
        while chunk := os.read(source.fileno(), CHUNK_BYTES):
            tls.sendall(chunk)
    assert all(program.wait() <= TAR_CHANGED_STATUS for program in programs)


def receive_files(plan: FloorPlan) -> None:
    """Receive everything, and print the seconds until all files were there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    Path(plan.target).mkdir()
    started = time.monotonic()
    with (
        socket.create_connection((plan.host, plan.port)) as stream,
        context.wrap_socket(stream) as tls,
    ):
        extract = (*TAR, "--extract", f"--directory={plan.target}")
        programs = [
            subprocess.Popen(plan.unpack or extract, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        ]
        if plan.unpack:
            programs.append(subprocess.Popen(extract, stdin=programs[0].stdout))
        sink = programs[0].stdin
        assert sink is not None
        while chunk := tls.recv(CHUNK_BYTES):
            write_all(sink.fileno(), chunk)
        sink.close()
    assert not any(program.wait() for program in programs)
    print(json.dumps({"seconds": time.monotonic() - started}))


def write_all(sink: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(sink, rest) :]


if __name__ == "__main__":
    {"send": send_files, "receive": receive_files}[sys.argv[1]](FloorPlan(**json.loads(sys.argv[2])))
