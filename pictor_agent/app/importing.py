"""The configuration file as a form brings it, as a file or pasted: checked as the agent reads it, kept for this user alone."""

import asyncio
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path

from pictor_agent.app.lines import Request
from pictor_agent.config import BadConfig, parse_config
from pictor_agent.secret_files import write_secret

FIELDS = ("file", "text")


@dataclass(eq=False)
class Importing:
    """Waits for a file that can be used. `problem`: why the last one, or the one that was here before, is not."""

    path: Path
    problem: str = ""
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, request: Request) -> None:
        """Keep what the form brought, or say in `problem` why not."""
        try:
            keep(text_of(request), self.path)
        except BadConfig as error:
            self.problem = str(error)
        else:
            self.done.set()


def text_of(request: Request) -> str:
    """Raises BadConfig: nothing was given, or no text."""
    head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n"
    form = BytesParser(policy=HTTP).parsebytes(head.encode("latin-1") + request.body)
    parts = form.iter_parts() if form.is_multipart() else ()
    given = {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts}
    for name in FIELDS:
        content = given.get(name)
        if isinstance(content, bytes) and content.strip():
            try:
                return content.decode()
            except UnicodeDecodeError:
                raise BadConfig("This is no text; choose the file that was downloaded from the node's page.") from None
    raise BadConfig("Choose the file, or paste what is in it.")


def keep(text: str, path: Path) -> None:
    """Raises BadConfig: it is none, or it cannot be written."""
    parse_config(text, "The configuration file")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_secret(path, text.encode())
    except OSError as error:
        raise BadConfig(f"{path} cannot be written: {error.strerror}") from error
