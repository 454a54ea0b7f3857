"""All golden files. Importing this module registers them."""

from __future__ import annotations

from tests.unit.golden import (  # noqa: F401 - each registers its golden files when it is imported
    accept_answers,
    agent_answers,
    agent_work,
    cluster_answers,
    doctor_answers,
    embedded_answers,
    error_answers,
    evidence,
    file_locations,
    identity_answers,
    interfaces,
    key_answers,
    plan_answers,
    reseed_answers,
    resource_answers,
    seed_answers,
    service_states,
    tool_answers,
    validate_answers,
    verify_answers,
    volume_answers,
)
from tests.unit.golden.clusters import list_templates
from tests.unit.golden.documents import list_documents
from tests.unit.golden.donor_files import list_donor_files
from tests.unit.golden.embedded_files import list_embedded_files
from tests.unit.golden.golden_file import BUILDS, add_golden
from tests.unit.golden.guest_files import list_guest_files
from tests.unit.golden.seed_files import list_seed_files
from tests.unit.golden.signal_files import list_signal_files
from tests.unit.golden.status_files import list_status_files
from tests.unit.golden.stored_file import StoredFile
from tests.unit.golden.verify_answers import list_verification_files
from tests.unit.golden.volume_files import list_volume_files

__all__ = ["BUILDS", "STORED"]

STORED: dict[str, StoredFile] = dict(
    [
        *list_guest_files(),
        *list_signal_files(),
        *list_status_files(),
        *list_embedded_files(),
        *list_documents(),
        *list_templates(),
        *list_volume_files(),
        *list_seed_files(),
        *list_verification_files(),
        *list_donor_files(),
    ]
)
"""Files that the product both writes and reads, by the name of the golden file below data/files."""

for _name, _stored in STORED.items():
    add_golden(f"files/{_name}", _stored.build_golden)
