"""Sections that the configurations of several services have alike. Pure."""

from __future__ import annotations

from guestagent.embedded.openstack.keystone.demo_project import REGION_NAME
from guestagent.embedded.real_cloud.addresses import CloudAddresses
from guestagent.embedded.real_cloud.cloud_paths import CloudPaths
from guestagent.embedded.real_heat.daemon_config import HEAT_USER, SERVICE_PROJECT, build_database_url
from guestagent.embedded.real_heat.passwords import HeatPasswords


def build_general(service: str, paths: CloudPaths) -> str:
    """Build the beginning of a file. Messages stay inside one process: right while all parts of a service are one."""
    return f"""\
[oslo_messaging_notifications]
driver = noop
[DEFAULT]
log_file = {paths.logs}/{service}.log
state_path = {paths.folder}/{service}
transport_url = fake://
"""


def build_database(name: str, paths: CloudPaths, passwords: HeatPasswords, section: str = "database") -> str:
    """Build the section that leads to a database."""
    return f"[{section}]\nconnection = {build_database_url(name, paths.socket, passwords)}\n"


def build_lock_folder(service: str, paths: CloudPaths) -> str:
    """Build the section of the locks between the parts of a service."""
    return f"[oslo_concurrency]\nlock_path = {paths.folder}/{service}/lock\n"


def build_accounts(addresses: CloudAddresses, passwords: HeatPasswords, *services: str) -> str:
    """Build a section for each other service that is used."""
    account = build_account(addresses, passwords)
    return "".join(f"[{service}]\n{account}" for service in services)


def build_account(addresses: CloudAddresses, passwords: HeatPasswords) -> str:
    """Build the account by which services use each other. All have that of Heat."""
    return f"""\
auth_type = password
auth_url = {addresses.get_url("keystone")}/v3
username = {HEAT_USER}
password = {passwords.heat.reveal()}
user_domain_id = default
project_name = {SERVICE_PROJECT}
project_domain_id = default
region_name = {REGION_NAME}
"""


def build_service_user(addresses: CloudAddresses, passwords: HeatPasswords) -> str:
    """Build the section by which a service sends its own token with a user's. Cinder requires it of Nova."""
    return f"[service_user]\nsend_service_user_token = true\n{build_account(addresses, passwords)}"


def build_token_validation(addresses: CloudAddresses, passwords: HeatPasswords) -> str:
    """Build the section that has Keystone validate the tokens of requests."""
    return f"""\
[keystone_authtoken]
www_authenticate_uri = {addresses.get_url("keystone")}/v3
service_token_roles = service
service_token_roles_required = true
{build_account(addresses, passwords)}"""
