"""A WSGI application of an OpenStack service in one process, a thread a request.

Usage: application_server.py ADDRESS PORT MODULE:FUNCTION; the function returns the application.
"""

import importlib
import sys

address, port, place = sys.argv[1], int(sys.argv[2]), sys.argv[3]
del sys.argv[1:4]  # the service reads what is left as its own
module, function = place.split(":")
application = getattr(importlib.import_module(module), function)()

from wsgi_server import ThreadedServer  # noqa: E402 - some services replace Python's threads when they are imported

ThreadedServer(port, application, address).serve_forever()
