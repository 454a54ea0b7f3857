"""The properties of OS::Nova::Server. Those that need a boot from a volume, Swift or Zaqar are refused."""

from __future__ import annotations

from guestagent.embedded.heat.template.property_schema import Property, Schema

USER_DATA_FORMATS = ("HEAT_CFNTOOLS", "RAW", "SOFTWARE_CONFIG")
CONFIG_TRANSPORTS = ("POLL_SERVER_CFN", "POLL_SERVER_HEAT", "POLL_TEMP_URL", "ZAQAR_MESSAGE")

NETWORK_SCHEMA: Schema = {
    "uuid": Property("string", constraint="Network"),
    "network": Property("string", constraint="Network"),
    "fixed_ip": Property("string"),
    "port": Property("string"),
    "subnet": Property("string", constraint="Subnet"),
    "port_extra_properties": Property("map", supported=False),
    "floating_ip": Property("string", supported=False),
    "allocate_network": Property("string", allowed_values=("none", "auto"), unsupported_values=("none",)),
    "tag": Property("string"),
}
DEVICE_SCHEMA: Schema = {
    "volume_id": Property("string", required=True),
    "boot_index": Property("integer", default=0),  # Heat's: of a data volume it has to be -1
    "delete_on_termination": Property("boolean", default=False),
    **{
        name: Property("any", supported=False)
        for name in (
            "image", "snapshot_id", "swap_size", "ephemeral_size", "ephemeral_format", "device_name", "device_type",
            "disk_bus", "volume_size",
        )
    },
}  # fmt: skip
SERVER_SCHEMA: Schema = {
    "name": Property("string", update_allowed=True),
    "image": Property("string", update_allowed=True, constraint="Image"),
    "flavor": Property("string", required=True, update_allowed=True, constraint="Flavor"),
    "flavor_update_policy": Property(
        "string", update_allowed=True, default="RESIZE", allowed_values=("RESIZE", "REPLACE")
    ),
    "image_update_policy": Property(
        "string",
        update_allowed=True,
        default="REBUILD",
        allowed_values=("REBUILD", "REPLACE", "REBUILD_PRESERVE_EPHEMERAL"),
    ),
    "user_data_update_policy": Property(
        "string", update_allowed=True, default="REPLACE", allowed_values=("REPLACE", "IGNORE", "REBUILD")
    ),
    "key_name": Property("string", constraint="Key"),
    "admin_user": Property("string"),
    "availability_zone": Property("string"),
    "security_groups": Property("list", default=()),
    "networks": Property("list", update_allowed=True, schema=NETWORK_SCHEMA),
    "scheduler_hints": Property("map"),
    "metadata": Property("map", update_allowed=True),
    "user_data_format": Property("string", default="HEAT_CFNTOOLS", allowed_values=USER_DATA_FORMATS),
    "software_config_transport": Property(
        "string",
        update_allowed=True,
        default="POLL_SERVER_CFN",
        allowed_values=CONFIG_TRANSPORTS,
        unsupported_values=("POLL_TEMP_URL", "ZAQAR_MESSAGE"),
    ),
    "user_data": Property("string", update_allowed=True, default=""),
    "reservation_id": Property("string"),
    "config_drive": Property("boolean"),
    "diskConfig": Property("string", allowed_values=("AUTO", "MANUAL")),
    "admin_pass": Property("string", update_allowed=True),
    "tags": Property("list", update_allowed=True),
    "block_device_mapping_v2": Property("list", schema=DEVICE_SCHEMA),
    **{
        name: Property("any", supported=False)
        for name in (
            "block_device_mapping",
            "personality",
            "deployment_swift_data",
        )
    },
}
