"""`python -m guestagent`: the same as the console script."""

import sys

from guestagent.cli.entry import main

sys.exit(main())
