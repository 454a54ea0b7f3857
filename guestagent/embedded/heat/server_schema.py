"""The properties of OS::Nova::Server. Those that need volumes, Swift or Zaqar are refused."""

from __future__ import annotations

from guestagent.embedded.template.schema import Property, Schema

FORMATS = ("HEAT_CFNTOOLS", "RAW", "SOFTWARE_CONFIG")
TRANSPORTS = ("POLL_SERVER_CFN", "POLL_SERVER_HEAT", "POLL_TEMP_URL", "ZAQAR_MESSAGE")

NETWORK: Schema = {
    "uuid": Property("string", exists="Network"),
    "network": Property("string", exists="Network"),
    "fixed_ip": Property("string"),
    "port": Property("string"),
    "subnet": Property("string", exists="Subnet"),
    "port_extra_properties": Property("map", imitated=False),
    "floating_ip": Property("string", imitated=False),
    "allocate_network": Property("string", allowed=("none", "auto"), lacking=("none",)),
    "tag": Property("string"),
}
SERVER: Schema = {
    "name": Property("string", update=True),
    "image": Property("string", update=True, exists="Image"),
    "flavor": Property("string", required=True, update=True, exists="Flavor"),
    "flavor_update_policy": Property("string", update=True, default="RESIZE", allowed=("RESIZE", "REPLACE")),
    "image_update_policy": Property(
        "string", update=True, default="REBUILD", allowed=("REBUILD", "REPLACE", "REBUILD_PRESERVE_EPHEMERAL")
    ),
    "user_data_update_policy": Property(
        "string", update=True, default="REPLACE", allowed=("REPLACE", "IGNORE", "REBUILD")
    ),
    "key_name": Property("string", exists="Key"),
    "admin_user": Property("string"),
    "availability_zone": Property("string"),
    "security_groups": Property("list", default=()),
    "networks": Property("list", update=True, keys=NETWORK),
    "scheduler_hints": Property("map"),
    "metadata": Property("map", update=True),
    "user_data_format": Property("string", default="HEAT_CFNTOOLS", allowed=FORMATS),
    "software_config_transport": Property(
        "string",
        update=True,
        default="POLL_SERVER_CFN",
        allowed=TRANSPORTS,
        lacking=("POLL_TEMP_URL", "ZAQAR_MESSAGE"),
    ),
    "user_data": Property("string", update=True, default=""),
    "reservation_id": Property("string"),
    "config_drive": Property("boolean"),
    "diskConfig": Property("string", allowed=("AUTO", "MANUAL")),
    "admin_pass": Property("string", update=True),
    "tags": Property("list", update=True),
    **{
        name: Property("any", imitated=False)
        for name in (
            "block_device_mapping",
            "block_device_mapping_v2",
            "personality",
            "deployment_swift_data",
        )
    },
}
