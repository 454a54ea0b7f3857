"""The configuration of all services as text. Settings that are not obvious have their reason beside them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from guestagent.embedded.openstack.keystone.demo_project import REGION_NAME
from guestagent.embedded.real_cloud.addresses import CloudAddresses
from guestagent.embedded.real_cloud.cloud_paths import CloudPaths
from guestagent.embedded.real_cloud.cloud_release import (
    CINDER_PIPELINE,
    NEUTRON_PIPELINE,
    NOVA_PIPELINE,
    VOLUME_FILTERS,
)
from guestagent.embedded.real_cloud.config_sections import (
    build_accounts,
    build_database,
    build_general,
    build_lock_folder,
    build_service_user,
    build_token_validation,
)
from guestagent.embedded.real_heat.daemon_config import (
    CFN_POLICY,
    build_database_statements,
    build_heat_config,
    build_keystone_config,
    build_mariadb_config,
)
from guestagent.embedded.real_heat.passwords import HeatPasswords

# Each database with the account that it belongs to.
DATABASE_ACCOUNTS: Mapping[str, str] = {
    "nova_cell0": "nova",
    **{
        name: name
        for name in ("keystone", "placement", "glance", "neutron", "cinder", "nova_api", "nova", "heat")
    },
}
AUTH_TTL = timedelta(minutes=15)
COMPUTE_HOSTS = ("compute1", "compute2")
# A nova-compute that finds its own records of an earlier start refuses to start without it. The fake hypervisor names
# its nodes itself, so any will do.
COMPUTE_ID = "11111111-2222-3333-4444-555555555555"
ENTRY_POINTS = """\
[neutron.ml2.mechanism_drivers]
guestagent = named_fault_ports:NamedFaultPortDriver
"""
# Nova leaves a cold migration to administrators, who are told to permit it: docs/how-to/resources.md.
NOVA_POLICY = '"os_compute_api:os-migrate-server:migrate": "role:member and project_id:%(project_id)s"\n'


def build_files(
    paths: CloudPaths, addresses: CloudAddresses, passwords: HeatPasswords, nova_settings: str
) -> Mapping[Path, str]:
    """Build the files of a run. `nova_settings` are lines for Nova that the release needs."""
    settings = paths.settings
    return {
        settings / "mariadb.cnf": build_mariadb_config(paths),
        settings / "databases.sql": build_database_statements(passwords, DATABASE_ACCOUNTS),
        settings / "keystone.conf": build_keystone_config(paths, passwords, AUTH_TTL),
        settings / "placement.conf": build_placement_config(paths, addresses, passwords),
        settings / "glance-api.conf": build_glance_config(paths, addresses, passwords),
        settings / "neutron.conf": build_neutron_config(paths, addresses, passwords),
        settings / "cinder.conf": build_cinder_config(paths, addresses, passwords),
        settings / "nova.conf": build_nova_config(paths, addresses, passwords, nova_settings),
        settings / "heat.conf": build_heat_config(paths, addresses.of_heat, passwords),
        settings / "policy.d/cfn.yaml": CFN_POLICY,
        settings / "nova_policy.yaml": NOVA_POLICY,
        paths.plugin_metadata / "entry_points.txt": ENTRY_POINTS,
        paths.plugin_metadata / "METADATA": "Metadata-Version: 2.1\nName: guestagent-cloud\nVersion: 1.0\n",
        paths.folder / "nova/compute_id": COMPUTE_ID,
    }


def build_placement_config(paths: CloudPaths, addresses: CloudAddresses, passwords: HeatPasswords) -> str:
    """Build Placement's configuration."""
    return f"""\
[DEFAULT]
log_file = {paths.logs}/placement.log
{build_database("placement", paths, passwords, "placement_database")}\
[api]
auth_strategy = keystone
{build_token_validation(addresses, passwords)}"""


def build_glance_config(paths: CloudPaths, addresses: CloudAddresses, passwords: HeatPasswords) -> str:
    """Build Glance's configuration. It stores images in files."""
    return f"""\
{build_general("glance", paths)}\
enabled_backends = files:file
worker_self_reference_url = {addresses.get_url("glance")}
node_staging_uri = file://{paths.folder}/glance/staging
[os_glance_staging_store]
filesystem_store_datadir = {paths.folder}/glance/staging
[os_glance_tasks_store]
filesystem_store_datadir = {paths.folder}/glance/tasks
[glance_store]
default_backend = files
[files]
filesystem_store_datadir = {paths.folder}/glance/images
{build_database("glance", paths, passwords)}\
[paste_deploy]
flavor = keystone
{build_lock_folder("glance", paths)}\
{build_token_validation(addresses, passwords)}"""


def build_neutron_config(paths: CloudPaths, addresses: CloudAddresses, passwords: HeatPasswords) -> str:
    """Build Neutron's configuration. It has no agents: the driver of ports is the whole network."""
    return f"""\
{build_general("neutron", paths)}\
core_plugin = ml2
service_plugins = router
auth_strategy = keystone
api_paste_config = {paths.settings}/{NEUTRON_PIPELINE}
dhcp_agent_notification = false
notify_nova_on_port_status_changes = true
notify_nova_on_port_data_changes = true
# In seconds. Nova learns of a floating address, or of a port that was deleted, by such an event.
send_events_interval = 1
{build_database("neutron", paths, passwords)}\
[ml2]
type_drivers = local,flat
tenant_network_types = local
mechanism_drivers = guestagent
extension_drivers = port_security
[ml2_type_flat]
flat_networks = public
{build_accounts(addresses, passwords, "nova", "placement")}\
{build_lock_folder("neutron", paths)}\
{build_token_validation(addresses, passwords)}"""


def build_cinder_config(paths: CloudPaths, addresses: CloudAddresses, passwords: HeatPasswords) -> str:
    """Build Cinder's configuration."""
    return f"""\
{build_general("cinder", paths)}\
host = volumes
my_ip = {addresses.host}
auth_strategy = keystone
api_paste_config = {paths.settings}/{CINDER_PIPELINE}
glance_api_servers = {addresses.get_url("glance")}
enabled_backends = guestagent
default_volume_type = standard
# Without the file a list cannot be filtered by metadata.
resource_query_filters_file = {paths.settings}/{VOLUME_FILTERS}
# The first reports of a service would come up to a minute late.
periodic_fuzzy_delay = 0
[guestagent]
volume_driver = named_fault_volumes.NamedFaultVolumeDriver
volume_backend_name = guestagent
{build_database("cinder", paths, passwords)}\
[coordination]
backend_url = file://{paths.folder}/cinder/coordination
{build_accounts(addresses, passwords, "nova")}\
{build_lock_folder("cinder", paths)}\
{build_service_user(addresses, passwords)}\
{build_token_validation(addresses, passwords)}"""


def build_nova_config(
    paths: CloudPaths, addresses: CloudAddresses, passwords: HeatPasswords, nova_settings: str
) -> str:
    """Build the configuration of all parts of Nova."""
    return f"""\
{build_general("nova", paths)}\
host = {COMPUTE_HOSTS[0]}
my_ip = {addresses.host}
compute_driver = named_fault_hypervisor.NamedFaultHypervisor
allow_resize_to_same_host = false
# The hypervisor is a fake, which does not wait for the network.
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
report_interval = 10
# The hosts would be found up to a minute late.
periodic_fuzzy_delay = 0
{nova_settings}\
[api]
auth_strategy = keystone
[wsgi]
api_paste_config = {paths.settings}/{NOVA_PIPELINE}
{build_database("nova_api", paths, passwords, "api_database")}\
{build_database("nova", paths, passwords)}\
[scheduler]
discover_hosts_in_cells_interval = 5
workers = 1
[conductor]
workers = 1
[vnc]
enabled = false
[libvirt]
virt_type = qemu
{build_accounts(addresses, passwords, "placement", "neutron", "glance", "cinder")}\
os_region_name = {REGION_NAME}
# Nova's own default is the name `cinderv3`, which the catalog does not have.
catalog_info = volumev3::publicURL
[oslo_policy]
policy_file = {paths.settings}/nova_policy.yaml
{build_lock_folder("nova", paths)}\
{build_service_user(addresses, passwords)}\
{build_token_validation(addresses, passwords)}"""
