"""cinder-api, cinder-scheduler and cinder-volume in one process: messages stay inside it.

Usage: cinder_server.py ADDRESS PORT --config-file FILE
"""

import sys

address, port = sys.argv[1], int(sys.argv[2])
del sys.argv[1:3]

import eventlet  # noqa: E402

eventlet.monkey_patch()

import shlex  # noqa: E402
import threading  # noqa: E402
from typing import Any  # noqa: E402

import cinder.cmd.volume  # noqa: E402,F401 - it registers the option backend_host
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
rpc.init(settings)
coordination.COORDINATOR.start()
service.Service.report_state = report_own_state
for backend in settings.enabled_backends:
    host = f"{settings.host}@{backend}"
    service.Service.create(host=host, service_name=backend, binary=constants.VOLUME_BINARY).start()
service.Service.create(binary="cinder-scheduler", topic="cinder-scheduler").start()
ThreadedServer(port, wsgi.Loader(settings).load_app(name="osapi_volume"), address).serve_forever()
