"""The donor of a MariaDB source: a service that streams backups to the replicas that its configuration names.

The source's agent writes the configuration while a replica joins, and removes it afterwards; the service ends then.
"""

from guestagent.seeding.donor.configuration import (
    AdmittedReplica,
    DonorConfiguration,
    DonorFiles,
    parse_configuration,
    read_configuration,
    write_configuration,
)
from guestagent.seeding.donor.environment import DonorEnvironment
from guestagent.seeding.donor.server import DonorServer

__all__ = [
    "AdmittedReplica",
    "DonorConfiguration",
    "DonorEnvironment",
    "DonorFiles",
    "DonorServer",
    "parse_configuration",
    "read_configuration",
    "write_configuration",
]
