"""OpenStack's services in Debian's packages, unpacked into the cache like the database servers. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.embedded.database_servers.flavours import build_fingerprint

SERVICES = ("nova", "cinder", "neutron", "placement", "glance", "keystone", "heat")
# Nova's fake hypervisor driver imports fixtures.
LIBRARIES = ("python3", "python3-pymysql", "python3-fixtures", "util-linux")
DATABASE = ("mariadb-server-core", "mariadb-client-core")
# Their maintainer scripts create accounts and databases; of their files only the API pipelines are of use.
PIPELINES = ("nova-common", "cinder-common", "neutron-common", "glance-common", "heat-common")
# Dependencies that no part of the services imports as they run here, and what only those depend on: the drivers of
# other hypervisors, storages, networks and coordinators, the documentation's tools, and what maintainer scripts call.
LEFT_OUT = (
    *("adduser", "dbus", "debconf", "dpkg", "e2fsprogs", "graphviz", "iproute2", "libc6-dev"),
    *("libicu-dev", "libxml2-dev", "libxslt-dev", "lvm2", "open-iscsi", "openssh-client", "perl"),
    *("python3-binary-memcached", "python3-boto3", "python3-botocore", "python3-ceph", "python3-cephfs"),
    *("python3-confluent-kafka", "python3-docker", "python3-docutils", "python3-etcd3"),
    *("python3-etcd3gw", "python3-future", "python3-gevent", "python3-google-auth", "python3-googleapi"),
    *("python3-grpcio", "python3-kazoo", "python3-ldap", "python3-libvirt", "python3-mypy"),
    *("python3-mysqldb", "python3-ncclient", "python3-numpy", "python3-openstackclient"),
    *("python3-openvswitch", "python3-oslo.vmware", "python3-pip", "python3-psycopg2", "python3-pycurl"),
    *("python3-pyperclip", "python3-rados", "python3-rbd", "python3-redis", "python3-rtslib-fb"),
    *("python3-s3transfer", "python3-sphinx", "python3-unittest2", "python3-webtest", "python3-zake"),
    *("python3-zmq", "qemu-utils", "sphinx-common", "ssl-cert", "sudo", "udev", "wget"),
)
# As the packages' scripts do. Without it, each start of a service compiles all that it imports.
COMPILE_COMMAND = (
    "python3 -m compileall -qq -j 2 -x /tests/ /usr/lib/python3.11 /usr/lib/python3/dist-packages || true"
)
VERSION_COMMAND = "python3 -c 'from nova import version; print(\"Nova\", version.version_string())'"


@dataclass(frozen=True, slots=True)
class CloudPackages:
    """The services of one release, with a MariaDB. Nothing of them is installed."""

    name: str = "openstack26"
    suite: str = "bookworm"
    packages: tuple[str, ...] = (*(f"python3-{name}" for name in SERVICES), *LIBRARIES, *DATABASE)
    extra_packages: tuple[str, ...] = PIPELINES
    left_out_packages: tuple[str, ...] = LEFT_OUT

    @property
    def fingerprint(self) -> str:
        packages = (*self.packages, *self.extra_packages, *self.left_out_packages)
        return build_fingerprint(self.name, self.suite, *packages)

    @property
    def version_command(self) -> tuple[str, ...]:
        """The command that compiles the packages' modules, and shows that Nova starts."""
        return ("/bin/sh", "-ec", f"{COMPILE_COMMAND}\n{VERSION_COMMAND}")
