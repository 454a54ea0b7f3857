"""Metadata documents of a source and of replicas, which together have every key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

from guestagent.metadata import Document, Section, Seeding, Source, Tls, User, documents, dump, parse
from guestagent.secret import Secret
from tests.unit.golden.signal_files import HANDLES, UNUSABLE
from tests.unit.golden.stored_file import StoredFile

CA = "-----BEGIN CERTIFICATE-----\nMC4=\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n"
USERS = (User("slave0000", Secret("s3cret")), User("slave0001", Secret("an0ther")))

FULL_SOURCE = Document(
    handle=HANDLES["cfn"][0],
    users=USERS,
    section=Section(
        node="Master0000",
        generation=2,
        server_id=101,
        deadline=120,
        network=IPv4Network("10.0.0.0/24"),
        tls=Tls(ca=CA, verify=False, client_certificates=True),
        seeding=Seeding("replay"),
        max_lag=5,
        polling_interval=15,
        variables={"max_connections": 200, "binlog_row_image": "FULL", "event_scheduler": True},
        retain_passwords=True,
    ),
)
FULL_REPLICA = Document(
    handle=HANDLES["hot-heat-signal"][0],
    source=Source("10.0.0.7", USERS[0], port=3307),
    section=Section(
        node="Slave0000",
        generation=3,
        server_id=102,
        tls=Tls(ca=CA, certificate=CA, key=Secret(KEY)),
    ),
)
REPLICA_WITHOUT_TLS = Document(
    handle=HANDLES["hot-token-signal"][0],
    source=Source("source.example", USERS[1]),
    section=Section(node="Slave0001", tls=Tls(required=False)),
)
UNRESOLVED = Document(handle=UNUSABLE, users=USERS[:1])
SMALLEST = Document(handle=HANDLES["cfn"][0])
DOCUMENTS = {
    "source": FULL_SOURCE,
    "replica": FULL_REPLICA,
    "replica-in-clear": REPLICA_WITHOUT_TLS,
    "unresolved": UNRESOLVED,
    "smallest": SMALLEST,
}


def write_document(folder: Path, document: Document) -> None:
    (folder / "metadata.json").write_text(json.dumps(dump(document)), encoding="utf-8")


def read_document(folder: Path) -> Document:
    ((_, document),) = documents((folder / "metadata.json").read_text(encoding="utf-8"))
    return parse(document)


def document_file(document: Document) -> StoredFile:
    return StoredFile(
        "metadata.json", lambda folder: write_document(folder, document), read_document, document
    )


def list_documents() -> Iterator[tuple[str, StoredFile]]:
    for name, document in DOCUMENTS.items():
        yield f"metadata/{name}.json", document_file(document)
