"""The daemons' configuration files as text. Settings that are not obvious have their reason beside them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from guestagent.embedded.openstack.keystone.demo_project import REGION_NAME
from guestagent.embedded.real_heat.passwords import HeatPasswords
from guestagent.embedded.real_heat.paths import RunPaths, ServiceAddresses

STACK_DOMAIN, STACK_DOMAIN_ADMIN, SERVICE_PROJECT, HEAT_USER = "heat", "heat_domain_admin", "service", "heat"
DATABASE_ACCOUNTS: Mapping[str, str] = {"keystone": "keystone", "heat": "heat"}
EC2_FILTER_FACTORY = "paste.filter_factory = heat.api.aws.ec2token:EC2Token_filter_factory"
# Heat 27 asks of a node's user that its project be the request's, of which it knows nothing there: each node's poll
# would be refused.
CFN_POLICY = '"cloudformation:DescribeStackResource": "role:heat_stack_user"\n'
WRAPPED_FILTER_FACTORY = "paste.filter_factory = token_filter:filter_factory"


def build_files(
    paths: RunPaths, addresses: ServiceAddresses, passwords: HeatPasswords, auth_ttl: timedelta, paste: str
) -> Mapping[str, str]:
    """Build every file of the settings folder by its name; `paste` is the text of Heat's own pipeline file."""
    return {
        "mariadb.cnf": build_mariadb_config(paths),
        "databases.sql": build_database_statements(passwords),
        "keystone.conf": build_keystone_config(paths, passwords, auth_ttl),
        "heat.conf": build_heat_config(paths, addresses, passwords),
        "api-paste.ini": paste,
        "policy.d/cfn.yaml": CFN_POLICY,
    }


def replace_token_filter(paste: str) -> str:
    """Replace the filter for EC2 signatures in Heat's pipeline by `token_filter.py`, which wraps it."""
    return paste.replace(EC2_FILTER_FACTORY, WRAPPED_FILTER_FACTORY)


def build_mariadb_config(paths: RunPaths) -> str:
    """Build MariaDB's settings. Its data end with the cloud, so nothing waits for the disk. Only the socket is open."""
    return f"""\
[mariadbd]
datadir = {paths.data}
socket = {paths.socket}
pid_file = {paths.folder}/mysql.pid
# else it follows TMPDIR, which the account may not be able to write
tmpdir = {paths.folder}
init_file = {paths.settings}/databases.sql
skip_networking
skip_log_bin
skip_name_resolve
performance_schema = OFF
max_connections = 400
innodb_buffer_pool_size = 64M
innodb_log_file_size = 16M
innodb_flush_log_at_trx_commit = 0
innodb_doublewrite = OFF
"""


def build_database_statements(
    passwords: HeatPasswords, accounts: Mapping[str, str] = DATABASE_ACCOUNTS
) -> str:
    """Build the statements of the init file, in which the server needs each on one line.

    `accounts` has the owner of each database.
    """
    statements = (
        f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb3;\n"
        f"CREATE USER IF NOT EXISTS {account}@localhost IDENTIFIED BY '{passwords.database.reveal()}';\n"
        f"GRANT ALL ON {name}.* TO {account}@localhost;\n"
        for name, account in accounts.items()
    )
    return "".join(statements)


def build_keystone_config(paths: RunPaths, passwords: HeatPasswords, auth_ttl: timedelta) -> str:
    """Build Keystone's configuration."""
    return f"""\
[DEFAULT]
log_file = {paths.logs}/keystone.log
[database]
connection = {build_database_url("keystone", paths.socket, passwords)}
[token]
provider = fernet
[fernet_tokens]
key_repository = {paths.keys}/fernet
# Keystone loads its provider of receipts too, and ends where this one is left at its default.
[fernet_receipts]
key_repository = {paths.keys}/fernet
[credential]
key_repository = {paths.keys}/credential
# Minutes that a signed request of the CFN API is good for: the life of a handle's URL.
auth_ttl = {max(1, round(auth_ttl.total_seconds() / 60))}
[identity]
# Heat makes a user for every handle: bcrypt as it is meant would cost a second's CPU for four of them.
password_hash_algorithm = bcrypt
password_hash_rounds = 4
[cache]
# A fifth of the CPU. Right with one process only; the plain memory backend breaks EC2 credentials, for
# Keystone changes what it took from the cache.
enabled = true
backend = dogpile.cache.memory_pickle
"""


def build_heat_config(paths: RunPaths, addresses: ServiceAddresses, passwords: HeatPasswords) -> str:
    """Build the configuration of Heat's engine and APIs."""
    return f"""\
[DEFAULT]
log_file = {paths.logs}/heat.log
# Messages inside one process: right while engine and APIs are one.
transport_url = fake://
num_engine_workers = 1
# A wait condition in progress holds one of these threads: by default there are 64.
executor_thread_pool_size = 1200
max_resources_per_stack = 1000
region_name_for_services = {REGION_NAME}
auth_encryption_key = {passwords.encryption.reveal()}
# The address for guests in user data and handles: our proxy's, not the one that Heat listens on.
heat_metadata_server_url = {addresses.cfn}
heat_waitcondition_server_url = {addresses.cfn}/v1/waitcondition
# Where Heat makes a user for every handle and for every server that polls.
stack_user_domain_name = {STACK_DOMAIN}
stack_domain_admin = {STACK_DOMAIN_ADMIN}
stack_domain_admin_password = {passwords.domain.reveal()}
# The defaults are folders of this machine.
plugin_dirs = {paths.settings}/plugins
environment_dir = {paths.settings}/environment.d
template_dir = {paths.settings}/templates
[database]
connection = {build_database_url("heat", paths.socket, passwords)}
[keystone_authtoken]
auth_type = password
auth_url = {addresses.keystone}
www_authenticate_uri = {addresses.keystone}
{_build_account(passwords)}[trustee]
auth_type = password
auth_url = {addresses.keystone}
username = {HEAT_USER}
password = {passwords.heat.reveal()}
user_domain_id = default
[clients_keystone]
auth_uri = {addresses.keystone}
[ec2authtoken]
auth_uri = {addresses.keystone}/v3
# Who asks Keystone about a signature: read by Heat itself from 24 on, and by our filter before that.
auth_type = v3password
auth_url = {addresses.keystone}/v3
# Heat 27 adds /v3/ec2tokens to the catalog's URL, which ends in /v3.
endpoint_override = {addresses.keystone}
{_build_account(passwords)}[heat_api]
bind_host = {addresses.host}
bind_port = {addresses.heat_port}
workers = 1
[heat_api_cfn]
bind_host = {addresses.host}
bind_port = {addresses.cfn_port}
workers = 1
[oslo_policy]
policy_dirs = {paths.settings}/policy.d
[paste_deploy]
api_paste_config = {paths.settings}/api-paste.ini
"""


def _build_account(passwords: HeatPasswords) -> str:
    return f"""\
username = {HEAT_USER}
password = {passwords.heat.reveal()}
user_domain_id = default
project_name = {SERVICE_PROJECT}
project_domain_id = default
"""


def build_database_url(name: str, socket: Path, passwords: HeatPasswords) -> str:
    """Build a database URL. SQLite will not do: it reuses the ids of deleted rows, and Heat confuses stacks then."""
    return f"mysql+pymysql://{name}:{passwords.database.reveal()}@localhost/{name}?unix_socket={socket}&charset=utf8"
