"""The ways in which a guest's cloud-init finds its instance: a config drive, Nova's metadata service, or a seed."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from guestagent.embedded.containers.config_drive import write_config_drive
from guestagent.embedded.containers.no_cloud_seed import write_seed
from guestagent.embedded.openstack.nova.hypervisor import Guest

DRIVE_FOLDER, SEED_FOLDER, CONFIG_FILE = "drive", "seed", "datasource.cfg"


class Datasource(Enum):
    """cloud-init's name for it."""

    CONFIG_DRIVE = "ConfigDrive"
    OPENSTACK = "OpenStack"
    EC2 = "Ec2"
    NO_CLOUD = "NoCloud"

    @property
    def needs_metadata_service(self) -> bool:
        return self in (Datasource.OPENSTACK, Datasource.EC2)


def write_datasource(datasource: Datasource, folder: Path, guest: Guest) -> None:
    """Write what the guest reads. The metadata service serves the files of the drive."""
    write_config_drive(folder / DRIVE_FOLDER, guest)
    write_seed(folder / SEED_FOLDER, guest)
    # A container has no udev, so it cannot wait for network cards, as cloud-init does by default with Ec2.
    (folder / CONFIG_FILE).write_text(
        f"datasource_list: [ {datasource.value}, None ]\nupdates: {{network: {{when: [boot]}}}}\n"
    )


def build_nspawn_options(datasource: Datasource, folder: Path) -> tuple[str, ...]:
    """Build the options with which a container offers one way, as a machine would."""
    # The list of our images has no NoCloud, and a container has no mark of Ec2.
    chosen_by_file = f"--bind-ro={folder / CONFIG_FILE}:/etc/cloud/cloud.cfg.d/99-datasource.cfg"
    match datasource:
        case Datasource.CONFIG_DRIVE:
            return (f"--bind-ro={folder / DRIVE_FOLDER}:/config-drive",)
        case Datasource.OPENSTACK:  # a machine has this product name in its DMI
            return ("--setenv=product_name=OpenStack Nova",)
        case Datasource.EC2:
            return (chosen_by_file,)
        case Datasource.NO_CLOUD:
            return (f"--bind-ro={folder / SEED_FOLDER}:/var/lib/cloud/seed/nocloud", chosen_by_file)
