"""cinder-api, cinder-scheduler and cinder-volume in one process: messages stay inside it.

Usage: cinder_server.py eventlet|native ADDRESS PORT --config-file FILE
"""

import os
import sys

threads, address, port = sys.argv[1:4]
del sys.argv[1:4]

if threads == "eventlet":
    import eventlet

    eventlet.monkey_patch()
else:
    # cinder.cmd.volume asks for eventlet when it is imported, unless this forbids it.
    os.environ["OS_CINDER_DISABLE_EVENTLET_PATCHING"] = "1"
    from cinder import monkey_patch

    monkey_patch.patch()

import shlex  # noqa: E402
import threading  # noqa: E402
from typing import Any  # noqa: E402

import cinder.cmd.volume  # noqa: E402,F401 - it registers the option backend_host
import os_brick  # noqa: E402
from cinder import coordination, objects, rpc, service, utils, version  # noqa: E402
from cinder.common import config, constants  # noqa: E402
from oslo_config import cfg  # noqa: E402
from oslo_log import log  # noqa: E402
from oslo_privsep import priv_context  # noqa: E402
from oslo_service import wsgi  # noqa: E402
from wsgi_server import ThreadedServer  # noqa: E402

report_lock, report_state = threading.Lock(), service.Service.report_state


def report_own_state(own_service: Any) -> None:
    """Report with the service's own id. Cinder keeps it in the class, so of two services one would seem down."""
    with report_lock:
        service.Service.service_id = own_service.origin_service_id
        report_state(own_service)


settings = cfg.CONF
objects.register_all()
settings(sys.argv[1:], project="cinder", version=version.version_string())
config.set_middleware_defaults()
log.setup(settings, "cinder")
priv_context.init(root_helper=shlex.split(utils.get_root_helper()))
if threads == "native":
    os_brick.setup(settings)
rpc.init(settings)
coordination.COORDINATOR.start()
service.Service.report_state = report_own_state
for backend in settings.enabled_backends:
    host = f"{settings.host}@{backend}"
    service.Service.create(host=host, service_name=backend, binary=constants.VOLUME_BINARY).start()
service.Service.create(binary="cinder-scheduler", topic="cinder-scheduler").start()
ThreadedServer(int(port), wsgi.Loader(settings).load_app(name="osapi_volume"), address).serve_forever()
