"""`python -m guestagent`: the same as the console script."""

import sys

from guestagent.cli.main import main

sys.exit(main())
