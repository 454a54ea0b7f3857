# As in an image of guestagent: of every datasource that cloud-init knows the boot would try each.
export DIB_CLOUD_INIT_DATASOURCES='ConfigDrive, OpenStack, Ec2'
