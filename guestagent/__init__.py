"""Replicated MySQL and MariaDB clusters on OpenStack Heat, signalled only when replication is verified."""

__version__ = "0.1.0"
