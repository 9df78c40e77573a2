"""Run the command as `python -m ptychopareto.command`."""

import sys

from ptychopareto.command.main import main

sys.exit(main())
