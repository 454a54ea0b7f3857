"""External dependencies of a reconcile pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from guestagent.agent.donor_service import DonorAccess
from guestagent.agent.instance_identity import InstanceRecord
from guestagent.agent.journal import Journal
from guestagent.agent.login_proofs import LoginProofs
from guestagent.agent.metadata_updates import UpdateRoute
from guestagent.agent.outcome import Progress
from guestagent.agent.pause import Pause
from guestagent.agent.seed_coordinator import SeedAccess
from guestagent.agent.server_config import ServerConfiguration
from guestagent.agent.volume_condition import VolumeObservation
from guestagent.database.binlog_comparison import CompareBinlogs, ComparisonResult, ReadSourceTimes
from guestagent.database.channel_certificates import ChannelCertificates
from guestagent.database.protocols import Database, SourceProbe
from guestagent.retry import Clock


@dataclass(frozen=True, slots=True)
class PassDependencies:
    """The external dependencies of a pass. `find_own_address(host)`: this node's address on the route to the host.

    `is_interrupted` is called between steps: true if a newer document has come or the agent is stopping. `read_pause`
    is called there too: an operator is at work, and nothing may be changed. Without a `configuration` the server's own
    is left alone. `login_proofs` last from pass to pass if the caller keeps them; `identify_server_instance` returns
    another value after each restart of the database server. `compare_logs` compares the binary log with the source's.
    `observe_volume` observes the data volume; `request_volume_growth` asks for its growth to the size of its device.
    `read_source_times` reads the times of a history's newest transactions from the source's binary log.
    `read_update_route`: how newer metadata reaches the node; None if that is not to be judged. `instance`: the record
    of the instance that the disk belongs to, if there is one. Without `seed_access` no data is copied from a source.
    Without `donor_access` this node streams no backups to replicas.
    """

    open_database: Callable[[], Database]
    source_view: SourceProbe
    journal: Journal
    clock: Clock
    find_own_address: Callable[[str], str | None]
    is_interrupted: Callable[[], bool] = lambda: False
    report_progress: Callable[[Progress], None] = lambda progress: None
    channel_files: ChannelCertificates = field(default_factory=ChannelCertificates)
    read_pause: Callable[[], Pause | None] = lambda: None
    configuration: ServerConfiguration | None = None
    login_proofs: LoginProofs = field(default_factory=LoginProofs)
    identify_server_instance: Callable[[], object] = lambda: None
    compare_logs: CompareBinlogs = lambda source, tls, since, until, equal, accepted: ComparisonResult()
    observe_volume: Callable[[], VolumeObservation] = VolumeObservation
    request_volume_growth: Callable[[], None] = lambda: None
    read_source_times: ReadSourceTimes = lambda source, tls, newest: {}
    read_update_route: Callable[[], UpdateRoute | None] = lambda: None
    instance: InstanceRecord | None = None
    seed_access: SeedAccess | None = None
    donor_access: DonorAccess | None = None
