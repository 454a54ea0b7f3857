"""Turn a Heat template into a replicated MySQL or MariaDB cluster, and say honestly when it is ready."""

__version__ = "0.1.0"
