"""The command line of the node program: run, app, pause, resume, health, update, inspect, merge, render, doctor, benchmark, fetch."""

import argparse
import os
import sys

from pictor_agent import __version__
from pictor_agent.platforms import UNUSABLE, Obstacle, obstacle_here

BLENDER_HELP = "Python that has bpy, or an installed Blender; may be given more than once (default: $BLENDER_PYTHON)"
FETCH_HELP = "folder of Blenders that are fetched on first need (default: $BLENDER_ENVIRONMENTS)"
CONFIG_HELP = "the configuration file (default: ~/.config/pictor-agent/node.toml)"
BOX_HELP = "run strangers' files WITHOUT isolation when bubblewrap is missing; shown on the node's page"


def main(argv: list[str] | None = None) -> int:
    arguments = make_parser().parse_args(argv)
    if sys.platform == "win32" and arguments.command is not _app:
        return _refuse(obstacle_here())
    if not arguments.blender_python and "BLENDER_PYTHON" in os.environ:
        arguments.blender_python = [word for word in os.environ["BLENDER_PYTHON"].split(os.pathsep) if word]
    if not arguments.environments:
        arguments.environments = os.environ.get("BLENDER_ENVIRONMENTS", "")
    return arguments.command(arguments)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pictor-agent", description="The program on a Pictor node; it only ever dials out.")
    parser.add_argument("--version", action="version", version=f"pictor-agent {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_run(commands)
    _add_app(commands)
    _add_pause(commands)
    _add_health(commands)
    _add_update(commands)
    _add_inspect(commands)
    _add_merge(commands)
    _add_render(commands)
    _add_doctor(commands)
    _add_benchmark(commands)
    _add_fetch(commands)
    return parser


def _command(commands, name: str, function, words: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=words, description=words)
    parser.set_defaults(command=function)
    parser.add_argument("--blender-python", action="append", default=[], metavar="PROGRAM", help=BLENDER_HELP)
    parser.add_argument("--environments", default="", metavar="FOLDER", help=FETCH_HELP)
    parser.add_argument("--allow-unsandboxed", action="store_true", help=BOX_HELP)
    parser.add_argument("--memory-bytes", type=int, default=0, help="limit for one Blender (default: most of this machine)")
    return parser


def _add_run(commands) -> None:
    parser = _command(commands, "run", _run, "take work from the network until stopped")
    parser.add_argument("--config", help=CONFIG_HELP)
    parser.add_argument("--join", metavar="CODE", help="write that file first, by the code that the node's page shows")
    parser.add_argument("--no-page", action="store_true", help="without the node's page on this machine")
    _add_node_options(parser)


def _add_node_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", help="where key, cache and outbox live (default: ~/.local/state/pictor-agent/<node>)")
    parser.add_argument("--cache-bytes", type=int, help="how much disk the file cache may use")
    parser.add_argument(
        "--gpu-trace", metavar="FILE", help="play GPUs from a recording; networks for real work refuse such a node"
    )
    parser.add_argument("--page-port", type=_port, metavar="PORT", help="of the node's page on 127.0.0.1 (default: 8471)")
    parser.add_argument("--plain", action="store_true", help="no colours, no progress line")
    parser.add_argument(
        "--trial", action="store_true", help="only sign on and off; how a release is tried before it takes over"
    )


def _add_update(commands) -> None:
    parser = _command(commands, "update", _update, "become the newest agent that the network offers, signed by its key")
    parser.add_argument("--config", help=CONFIG_HELP)
    parser.add_argument("--state", help="the state folder, when it is not the usual one")
    parser.add_argument("--again", action="store_true", help="also a release that did not work here before")


def _port(word: str) -> int:
    if not 0 < int(word) < 65_536:
        raise ValueError(word)
    return int(word)


def _add_app(commands) -> None:
    words = (
        "open the node's page in the browser; start the node where it does not run, and ask for its configuration file there"
    )
    parser = _command(commands, "app", _app, words)
    parser.add_argument("--config", help=CONFIG_HELP)
    parser.add_argument("--no-browser", action="store_true", help="only say where the page is")
    _add_node_options(parser)


def _add_pause(commands) -> None:
    for name, paused, words in (
        ("pause", True, "let the node finish what it renders, and take no other work until resume"),
        ("resume", False, "let the node take work again"),
    ):
        parser = _command(commands, name, _pause, words)
        parser.add_argument("--config", help=CONFIG_HELP)
        _add_node_options(parser)
        parser.set_defaults(paused=paused)


def _add_health(commands) -> None:
    parser = _command(commands, "health", _health, "say whether the agent that runs here is signed on; the status is 0 then")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--config", help=CONFIG_HELP)
    place.add_argument("--state", help="its state folder, when it is not the usual one")


def _add_inspect(commands) -> None:
    parser = _command(commands, "inspect", _inspect, "print as JSON what is in a .blend")
    parser.add_argument("--main", required=True, help="the .blend, relative to FOLDER")
    parser.add_argument("--blender-version", default="", help="exact version to read it with (default: by the file's own)")
    parser.add_argument("--seconds-max", type=float, default=120.0)
    parser.add_argument("folder", metavar="FOLDER")


def _add_merge(commands) -> None:
    parser = _command(commands, "merge", _merge, "finish a frame from its tiles; the order comes as JSON on the standard input")
    parser.add_argument("--out", required=True)
    parser.add_argument("folder", metavar="FOLDER")


def _add_render(commands) -> None:
    parser = _command(commands, "render", _render, "render frames of a local .blend, as a node would")
    parser.add_argument("--main", required=True, help="the .blend, relative to FOLDER")
    parser.add_argument("--out", required=True)
    parser.add_argument("--frames", default="1", help="1-3,7")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--samples", type=int, default=1)
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--height", type=int, default=180)
    parser.add_argument("--format", choices=["PNG", "JPEG", "OPEN_EXR", "OPEN_EXR_MULTILAYER"], default="PNG")
    parser.add_argument("--camera", default="")
    parser.add_argument("--device", choices=["any", "cpu", "gpu"], default="any")
    parser.add_argument("--denoise", choices=["file", "on", "off"], default="file", help="default: as in the file")
    parser.add_argument("--region", default="", help="LEFT,TOP,WIDTH,HEIGHT in pixels: one tile, raw, with its passes")
    parser.add_argument("--engine", choices=["cycles", "eevee"], default="cycles")
    parser.add_argument("--blender-version", default="", help="exact version (default: the newest given)")
    parser.add_argument("folder", metavar="FOLDER")


def _add_doctor(commands) -> None:
    parser = _command(commands, "doctor", _doctor, "say what this machine offers, what is missing, and what to do about it")
    parser.add_argument("--config", help="also look at this configuration file and try its server")
    parser.add_argument("--state", help="the state folder, when it is not the usual one")
    parser.add_argument("--json", action="store_true", help="the findings as JSON: tone, code, words, remedy")
    parser.add_argument(
        "--bundle", metavar="FILE.zip", help="write a support bundle, with secrets, names and addresses removed"
    )


def _add_benchmark(commands) -> None:
    parser = _command(commands, "benchmark", _benchmark, "measure this machine as the network would, and print a table")
    parser.add_argument("--scene", help="the canary scene (default: the one that came with the agent)")
    parser.add_argument("--folder", help="on the disk that is measured (default: the folder for temporary files)")


def _add_fetch(commands) -> None:
    parser = _command(commands, "fetch", _fetch, "fetch one Blender into the folder of environments")
    parser.add_argument("--python", help="the Python 3.11 to make it from (default: found)")
    parser.add_argument("version", metavar="VERSION", help="exact: 4.5.15")


def _run(arguments) -> int:
    if obstacle := obstacle_here():
        return _refuse(obstacle)
    if not arguments.trial:
        _become_current(arguments)
    from pictor_agent.running import run

    return run(arguments)


def _refuse(obstacle: Obstacle | None) -> int:
    assert obstacle is not None
    print(obstacle.words, obstacle.command)
    return UNUSABLE


def _app(arguments) -> int:
    if obstacle := obstacle_here():
        from pictor_agent.app.stranded import show

        return show(obstacle, port=arguments.page_port or 0, has_browser=not arguments.no_browser)
    _become_current(arguments)
    from pictor_agent.app.command import app

    return app(arguments)


def _pause(arguments) -> int:
    from pictor_agent.pausing import set_pause

    return set_pause(arguments)


def _health(arguments) -> int:
    from pictor_agent.health import examine

    return examine(arguments)


def _become_current(arguments) -> None:
    from pictor_agent.updating.handover import start_current

    start_current(arguments)


def _update(arguments) -> int:
    _become_current(arguments)
    from pictor_agent.updating.command import update

    return update(arguments)


def _inspect(arguments) -> int:
    from pictor_agent.local import inspect

    return inspect(arguments)


def _merge(arguments) -> int:
    from pictor_agent.local import merge

    return merge(arguments)


def _render(arguments) -> int:
    from pictor_agent.local import render

    return render(arguments)


def _doctor(arguments) -> int:
    _become_current(arguments)
    from pictor_agent.doctor import examine

    return examine(arguments)


def _benchmark(arguments) -> int:
    from pictor_agent.local_benchmark import benchmark

    return benchmark(arguments)


def _fetch(arguments) -> int:
    from pictor_agent.local import fetch

    return fetch(arguments)


if __name__ == "__main__":
    sys.exit(main())
