"""Every operation of the resource manager, through RPC, with any of the engines: `python -m tests.every_operation`."""
