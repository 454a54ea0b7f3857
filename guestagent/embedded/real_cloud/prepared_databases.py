"""The databases of all services as they are before anyone uses them: made once on this machine, copied for every run.

A template is complete or absent, and named after what it was made of. It is `empty_databases` with more services.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from guestagent import atomic_file
from guestagent.embedded.database_servers import install_data_directory
from guestagent.embedded.host.unix_account import UnixAccount
from guestagent.embedded.real_cloud import service_config
from guestagent.embedded.real_cloud.addresses import CloudAddresses
from guestagent.embedded.real_cloud.cloud_paths import CloudPaths
from guestagent.embedded.real_cloud.cloud_release import HEAT_PIPELINE, CloudRelease
from guestagent.embedded.real_cloud.service_programs import ServicePrograms
from guestagent.embedded.real_heat import run_folder
from guestagent.embedded.real_heat.account_commands import run_as_account
from guestagent.embedded.real_heat.daemon_config import replace_token_filter
from guestagent.embedded.real_heat.empty_databases import SOURCE_FILES as HEAT_SOURCE_FILES
from guestagent.embedded.real_heat.empty_databases import wait_for_database
from guestagent.embedded.real_heat.passwords import HeatPasswords
from guestagent.embedded.real_heat.prepared_folder import compute_source_digest, open_prepared_folder
from guestagent.embedded.real_heat.release import SCRIPT_FOLDER as HEAT_SCRIPT_FOLDER

SOURCES = ("prepared_databases", "service_config", "config_sections", "service_programs", "cloud_release")
SOURCE_FILES = (*HEAT_SOURCE_FILES, *(Path(__file__).with_name(f"{name}.py") for name in SOURCES))
SCRIPT_FOLDER = Path(__file__).parent / "inside"
STEP_TIMEOUT_S = 900.0
PARALLEL_STEPS = 3
PLACEHOLDER_ADDRESSES = CloudAddresses("127.0.0.1")
# Nova fills these in from its own configuration, so the template can be copied to any folder.
CELL_URL = "{scheme}://{username}:{password}@{hostname}"
CELL0_DATABASE, CELL1_DATABASE = f"{CELL_URL}/nova_cell0?{{query}}", f"{CELL_URL}/nova?{{query}}"
# The commands of each service's administration: module, configuration, words.
STEPS: Sequence[tuple[str, Sequence[tuple[str, str, Sequence[str]]]]] = (
    ("neutron", [("neutron.db.migration.cli", "neutron.conf", ("upgrade", "heads"))]),
    (
        "nova",
        [
            ("nova.cmd.manage", "nova.conf", ("api_db", "sync")),
            (
                "nova.cmd.manage",
                "nova.conf",
                ("cell_v2", "map_cell0", "--database_connection", CELL0_DATABASE),
            ),
            ("nova.cmd.manage", "nova.conf", ("db", "sync")),
            (
                "nova.cmd.manage",
                "nova.conf",
                (
                    *("cell_v2", "create_cell", "--name", "cell1"),
                    *("--database_connection", CELL1_DATABASE, "--transport-url", "fake:///"),
                ),
            ),
        ],
    ),
    ("keystone", [("keystone.cmd.manage", "keystone.conf", ("db_sync",))]),
    ("cinder", [("cinder.cmd.manage", "cinder.conf", ("db", "sync"))]),
    ("glance", [("glance.cmd.manage", "glance-api.conf", ("db", "sync"))]),
    ("heat", [("heat.cmd.manage", "heat.conf", ("db_sync",))]),
    ("placement", [("placement.cmd.manage", "placement.conf", ("db", "sync"))]),
)


def build_template(folder: Path, release: CloudRelease, account: UnixAccount) -> Path:
    """Return the template of this release; make it in `folder` if it is missing. From the main thread."""
    template = folder / f"cloud-{compute_digest(release.fingerprint)}"
    return open_prepared_folder(
        template,
        folder / "cloud.draft",
        folder / "cloud.lock",
        lambda draft: _fill(ServicePrograms(release, account, CloudPaths(draft))),
    )


def compute_digest(programs: str) -> str:
    """Compute what changes with anything that goes into the databases: the programs, or our own part."""
    return compute_source_digest(programs, SOURCE_FILES)


def create_folders(paths: CloudPaths) -> None:
    """Create the folder, which must not be there yet, and the empty ones in it."""
    run_folder.create_folders(paths)
    for folder in paths.state_folders:
        folder.mkdir(mode=0o700, parents=True)


def copy_template(paths: CloudPaths, template: Path) -> HeatPasswords:
    """Create a run's own folder out of the prepared one. Its configuration is still to be written."""
    passwords = run_folder.copy_template(paths, template)
    for folder in paths.state_folders:
        folder.mkdir(mode=0o700, parents=True)
    return passwords


def write_config(programs: ServicePrograms, addresses: CloudAddresses, passwords: HeatPasswords) -> None:
    """Write the configuration and our scripts. Everything belongs to the account from then on."""
    paths, account = programs.paths, programs.account
    release = programs.release
    files = service_config.build_files(paths, addresses, passwords, release.nova_settings)
    for path, text in files.items():
        atomic_file.write_file(path, text.encode())
    for name, path in release.files.items():
        shutil.copyfile(path, paths.settings / name)
    if release.has_anonymous_heat:
        pipeline = paths.settings / HEAT_PIPELINE
        atomic_file.write_file(pipeline, replace_token_filter(pipeline.read_text()).encode())
    shutil.copytree(HEAT_SCRIPT_FOLDER, paths.scripts, dirs_exist_ok=True)
    shutil.copytree(SCRIPT_FOLDER, paths.scripts, dirs_exist_ok=True)
    run_folder.change_owner(paths.folder, account.uid, account.gid)


def _fill(programs: ServicePrograms) -> None:
    paths = programs.paths
    create_folders(paths)
    passwords = HeatPasswords.generate()
    atomic_file.write_file(paths.password_file, passwords.dump())
    run_folder.create_keys(paths)
    install_data_directory("mariadb", paths.data, programs.release.database_root)
    write_config(programs, PLACEHOLDER_ADDRESSES, passwords)
    server = programs.build_database_daemon()
    server.start()
    try:
        wait_for_database(server, paths)
        with ThreadPoolExecutor(PARALLEL_STEPS) as pool:
            for step in [pool.submit(_create_tables, programs, *step) for step in STEPS]:
                step.result()
        _create_first_user(programs, passwords)
    finally:
        server.stop(signal.SIGTERM)


def _create_tables(
    programs: ServicePrograms, service: str, commands: Sequence[tuple[str, str, Sequence[str]]]
) -> None:
    for module, config, words in commands:
        run_as_account(
            f"making the tables of {service}",
            programs.build_manage_command(module, config, *words),
            environment=programs.environment,
            timeout=STEP_TIMEOUT_S,
            log=programs.paths.logs / f"{service}-{'-'.join(words[:2])}.log",
        )


def _create_first_user(programs: ServicePrograms, passwords: HeatPasswords) -> None:
    config = str(programs.paths.settings / "keystone.conf")
    run_as_account(
        "making Keystone's first user",
        programs.build_script_command("keystone_bootstrap.py", "--config-file", config),
        environment=programs.environment,
        stdin=passwords.admin.reveal() + "\n",
        timeout=STEP_TIMEOUT_S,
    )
