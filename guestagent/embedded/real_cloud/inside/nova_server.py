"""nova-api, nova-conductor, nova-scheduler and nova-computes in one process: messages stay inside it.

Usage: nova_server.py ADDRESS PORT PIPELINE HOST[,HOST...] --config-file FILE
The computes use the database themselves, as in Nova's own functional tests: in one process the conductor's clients and
servers would wait for each other.
"""

import sys

address, port, pipeline, hosts = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4].split(",")
del sys.argv[1:5]

import nova.monkey_patch  # noqa: E402 - it replaces Python's threads, and must be the first

# isort: split
import shlex  # noqa: E402
from pathlib import Path  # noqa: E402

import nova.conf  # noqa: E402
import nova.virt  # noqa: E402
import os_vif  # noqa: E402
from nova import config, objects, service, utils  # noqa: E402
from nova.compute import rpcapi as compute_rpcapi  # noqa: E402
from nova.conductor import rpcapi as conductor_rpcapi  # noqa: E402
from oslo_log import log  # noqa: E402
from oslo_privsep import priv_context  # noqa: E402
from paste import deploy  # noqa: E402
from wsgi_server import ThreadedServer  # noqa: E402

settings = nova.conf.CONF
nova.virt.__path__.append(str(Path(__file__).parent / "hypervisor_drivers"))
config.parse_args(sys.argv)
log.setup(settings, "nova")
objects.register_all()
priv_context.init(root_helper=shlex.split(utils.get_root_helper()))
os_vif.initialize()
objects.Service.enable_min_version_cache()

service.Service.create(binary="nova-conductor", topic=conductor_rpcapi.RPC_TOPIC).start()
service.Service.create(binary="nova-scheduler", topic="scheduler").start()
for host in hosts:
    settings.set_override("host", host)
    service.Service.create(host=host, binary="nova-compute", topic=compute_rpcapi.RPC_TOPIC).start()
settings.clear_override("host")
ThreadedServer(port, deploy.loadapp("config:" + pipeline, name="osapi_compute"), address).serve_forever()
