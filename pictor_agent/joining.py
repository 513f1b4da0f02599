"""`pictor-agent run --join CODE`: the code from the node's page becomes the configuration file, once."""

import json
from pathlib import Path

from pictor_agent.config import UPDATE_KEY, BadConfig, keep_config, parse_config, read_config

CONFIG = """\
# Configuration of a node of the network, for: pictor-agent run
# Its token enrols one machine, once; keep it private.
server_url = {server_url}
worker_uid = {worker_uid}
token = {token}
{updates}"""


def join(code: str, path: Path) -> None:
    """Write the file, unless it is there with this very code: the same command starts the agent again.

    Raises:
        BadConfig: the code is none, or the file is another node's.
    """
    text = config_of(code)
    wanted = parse_config(text, "--join")
    if path.exists():
        there = read_config(path)
        if there.worker_uid != wanted.worker_uid:
            raise BadConfig(f"{path} is another node's; keep this one's elsewhere: --config FILE")
        if there.token == wanted.token:
            return
    keep_config(text, path)


def config_of(code: str) -> str:
    """The text of the file.

    Raises:
        BadConfig: it is no code.
    """
    front, _, last = code.rpartition("/")
    code, key = (front, last) if last and UPDATE_KEY.fullmatch(last) else (code, "")
    parts = code.rsplit("/", 2)
    if len(parts) != 3 or not all(parts):
        raise BadConfig("--join: this is no code; copy the command again from the node's page")
    server_url, uid, token = map(json.dumps, parts)
    updates = f"update_key = {json.dumps(key)}\n" if key else ""
    return CONFIG.format(server_url=server_url, worker_uid=uid, token=token, updates=updates)
