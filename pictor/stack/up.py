"""`make dev`: the whole stack with reloading pages, until Ctrl-C."""

import time

from pictor.stack.starting import LOOK_SECONDS, orderly, require_alive, stack_from_environment
from pictor.stack.words import say


def main() -> None:
    with orderly(), stack_from_environment(debug=True) as stack:
        say(f"\n  {stack.url}\n  Logs: {stack.supervisor.logs}\n  Ctrl-C stops everything.\n")
        while True:
            require_alive(stack)
            time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
