"""A WSGI application of an OpenStack service in one process, a thread a request.

Usage: application_server.py ADDRESS PORT MODULE:NAME
The name is that of the application, or with `()` behind it that of a function that returns it.
"""

import importlib
import sys

address, port, place = sys.argv[1], int(sys.argv[2]), sys.argv[3]
del sys.argv[1:4]  # the service reads what is left as its own
module, name = place.split(":")
application = getattr(importlib.import_module(module), name.removesuffix("()"))
if name.endswith("()"):
    application = application()

from wsgi_server import ThreadedServer  # noqa: E402 - some services replace Python's threads when they are imported

ThreadedServer(port, application, address).serve_forever()
