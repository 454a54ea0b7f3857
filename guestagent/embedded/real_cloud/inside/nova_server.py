"""nova-api, nova-conductor, nova-scheduler and nova-computes in one process: messages stay inside it.

Usage: nova_server.py eventlet|native ADDRESS PORT PIPELINE HOST[,HOST...] --config-file FILE
The computes use the database themselves, as in Nova's own functional tests: in one process the conductor's clients and
servers would wait for each other.
"""

import sys

threads, address, port, pipeline, hosts = sys.argv[1:6]
del sys.argv[1:6]

from nova import monkey_patch  # noqa: E402 - of Nova 26, it replaces Python's threads; it must be the first in any case

if threads == "native":
    monkey_patch.patch(backend="threading")

# isort: split
import shlex  # noqa: E402
from pathlib import Path  # noqa: E402

import nova.conf  # noqa: E402
import nova.virt  # noqa: E402
import os_brick  # noqa: E402
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
if threads == "native":
    os_brick.setup(settings)
os_vif.initialize()
objects.Service.enable_min_version_cache()

service.Service.create(binary="nova-conductor", topic=conductor_rpcapi.RPC_TOPIC).start()
service.Service.create(binary="nova-scheduler", topic="scheduler").start()
# Newer releases finish what they have begun on a second topic.
topics = {"topic": compute_rpcapi.RPC_TOPIC}
if threads == "native":
    topics["topic_alt"] = compute_rpcapi.RPC_TOPIC_ALT
for host in hosts.split(","):
    settings.set_override("host", host)
    service.Service.create(host=host, binary="nova-compute", **topics).start()
settings.clear_override("host")
ThreadedServer(int(port), deploy.loadapp("config:" + pipeline, name="osapi_compute"), address).serve_forever()
