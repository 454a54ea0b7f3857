"""Real database servers of three flavours, unpacked and not installed, for tests and for the embedded cloud."""

from guestagent.embedded.database_servers.data_directory import (
    copy_data_directory,
    install_data_directory,
    provide_data_directory,
)
from guestagent.embedded.database_servers.flavours import FLAVOURS, Flavour
from guestagent.embedded.database_servers.unpacked_root import build_root_command, provide_root
from guestagent.embedded.host.cache_folder import find_cache_folder

__all__ = [
    "FLAVOURS",
    "Flavour",
    "build_root_command",
    "copy_data_directory",
    "find_cache_folder",
    "install_data_directory",
    "provide_data_directory",
    "provide_root",
]
