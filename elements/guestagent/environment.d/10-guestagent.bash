# Where Nova hands out user data and metadata; Ec2 is the service's other dialect.
export DIB_CLOUD_INIT_DATASOURCES=${DIB_CLOUD_INIT_DATASOURCES:-ConfigDrive, OpenStack, Ec2}
# cloud-init writes the interfaces that the instance really has.
export DIB_APT_MINIMAL_CREATE_INTERFACES=${DIB_APT_MINIMAL_CREATE_INTERFACES:-0}
# For a Debian image diskimage-builder 3.43 runs `python2` in the chroot, and stops without a message if there is none.
export DIB_PYTHON_VERSION=${DIB_PYTHON_VERSION:-3}
# diskimage-builder's default waits five seconds for a key, at every boot, to choose among one kernel.
export DIB_GRUB_TIMEOUT=${DIB_GRUB_TIMEOUT:-0}
