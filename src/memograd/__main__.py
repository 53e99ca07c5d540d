"""`python -m memograd` is the command `memograd`."""

import sys

from memograd.cli.main import main

sys.exit(main())
