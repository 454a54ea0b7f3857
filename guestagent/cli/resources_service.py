"""`guestagent resources serve`: the service, until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import sys

from guestagent.cli.resource_commands.exit_codes import format_exit_codes
from guestagent.cli.resources_settings import (
    add_settings_option,
    load_chosen_settings,
    require_resources_extra,
)
from guestagent.cli.termination import queue_signals

LOG = logging.getLogger("guestagent")
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
RELOAD_SIGNAL = signal.SIGHUP
"""As other daemons do: the certificate is read again."""
SWITCH_INTERVAL_S = 0.0005
"""For how long a thread computes while others want to. With Python's 5 ms an order waits behind each worker."""
QUIET_LIBRARIES = ("keystoneauth", "openstack", "urllib3", "amqp", "kombu", "oslo.messaging", "oslo_service")
"""They log at INFO what only their authors need."""


def register_serve(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the group."""
    parser = verbs.add_parser(
        "serve",
        help="run the service: it takes orders and carries them out",
        description="Run the resource manager: it takes orders from the message broker and from the commands of this "
        "host, carries them out, and serves the guests their documents. It ends at SIGTERM when the present rounds "
        "are over, after 65 seconds at most. A killed service goes on from its store. A renewed certificate of the "
        "endpoint is used without a restart: within half a minute, or at SIGHUP.",
        epilog=format_exit_codes(
            {
                0: "ended at SIGTERM or SIGINT",
                2: "invalid settings",
                5: "there is no such cloud in clouds.yaml, or it does not answer",
                8: "the store or the key file cannot be used, or is that of another store",
                77: "an address is in use, or a package is missing",
            }
        ),
    )
    add_settings_option(parser)
    parser.add_argument(
        "--abandon",
        action="append",
        default=[],
        metavar="CLUSTER",
        help="start although this cluster belongs to an engine that does not run: nothing of it is changed. "
        "Can be given more than once",
    )
    parser.add_argument(
        "--new-store",
        action="store_true",
        help="begin with an empty store although the keys, or stacks of the project, are those of another one: what "
        "it has made is left as it is. Give it once. If that store was lost, rather rebuild it: nobody manages its "
        "clusters any more",
    )
    parser.set_defaults(run=run_serve)


def run_serve(args: argparse.Namespace) -> int:
    """Run the service."""
    from guestagent.agent.log_format import configure_log
    from guestagent.agent.systemd_notify import notify_systemd

    # A service that starts has nothing to read again. SIGHUP would end it, and systemd does not restart it then.
    signal.signal(RELOAD_SIGNAL, signal.SIG_IGN)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    configure_log(logging.INFO)
    for library in QUIET_LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)
    settings = load_chosen_settings(args)
    with require_resources_extra():
        from guestagent.resources.service.assembly import open_service

    with (
        open_service(settings, args.abandon, begins_anew=args.new_store) as service,
        queue_signals((*ENDING_SIGNALS, RELOAD_SIGNAL)) as wait_for_signal,
    ):
        service.open()
        gc.collect()
        gc.freeze()  # what is left by now stays, and need not be looked at again and again
        notify_systemd("READY=1")
        LOG.info("the resource manager is ready")
        while (number := wait_for_signal()) == RELOAD_SIGNAL:
            service.reload()
        notify_systemd("STOPPING=1")
        LOG.info("%s: no more orders are taken, and the present rounds end", number.name)
        has_ended = service.close()
    if not has_ended:
        # What still waits for an answer is not waited for. The store knows everything that was sent.
        LOG.warning("the service ends with a request that was not answered")
        sys.stderr.flush()
        os._exit(0)
    return 0
