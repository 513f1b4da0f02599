"""`make dev`: the whole stack with reloading pages, until Ctrl-C."""

from pictor.stack.starting import orderly, stack_from_environment, stay_up
from pictor.stack.words import say


def main() -> None:
    with orderly(), stack_from_environment(debug=True) as stack:
        say(f"\n  {stack.url}\n  Logs: {stack.supervisor.logs}\n  Ctrl-C stops everything.\n")
        stay_up(stack)


if __name__ == "__main__":
    main()
