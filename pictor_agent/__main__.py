"""`python -m pictor_agent` is `pictor-agent`."""

import sys

from pictor_agent.main import main

sys.exit(main())
