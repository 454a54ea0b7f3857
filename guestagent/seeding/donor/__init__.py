"""The donor of a MariaDB source: a service that streams backups to the replicas that its configuration names.

The source's agent writes the configuration while a replica joins, and removes it afterwards; the service ends then.
"""

from guestagent.seeding.donor.configuration import (
    DEFAULT_CONFIGURATION,
    AdmittedReplica,
    DonorConfiguration,
    parse_configuration,
    read_configuration,
    write_configuration,
)
from guestagent.seeding.donor.environment import DonorEnvironment
from guestagent.seeding.donor.server import DonorServer

__all__ = [
    "DEFAULT_CONFIGURATION",
    "AdmittedReplica",
    "DonorConfiguration",
    "DonorEnvironment",
    "DonorServer",
    "parse_configuration",
    "read_configuration",
    "write_configuration",
]
