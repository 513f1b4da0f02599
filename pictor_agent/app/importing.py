"""The configuration file as a form brings it, as a file, pasted, or as the code of its node: checked as the agent reads it, and kept."""

import asyncio
import re
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path

from pictor_agent.app.lines import Request
from pictor_agent.config import BadConfig, keep_config
from pictor_agent.joining import config_of

FIELDS = ("file", "text")
CODE = re.compile(r"(?:^|--join )(wss?://\S+/[\w-]+/[\w-]+)$")


@dataclass(eq=False)
class Importing:
    """Waits for a file that can be used. `problem`: why the last one, or the one that was here before, is not."""

    path: Path
    problem: str = ""
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, request: Request) -> None:
        """Keep what the form brought, or say in `problem` why not."""
        try:
            keep_config(config_text(text_of(request)), self.path)
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
    raise BadConfig("Choose the file, or paste what is in it, or the command.")


def config_text(given: str) -> str:
    """The file itself; of the command, or the code in it, that the node's page shows, the file that it stands for."""
    found = CODE.search(given.strip())
    return config_of(found[1]) if found else given
