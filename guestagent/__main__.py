"""Entry point of `python -m guestagent`, which is the same as the console script."""

import sys

from guestagent.cli.entry import main

sys.exit(main())
