"""A WebSocket client for ASGI consumers; channels.testing needs a server that this project does not install."""

import json

from asgiref.testing import ApplicationCommunicator

PATIENCE_SECONDS = 90


class Socket(ApplicationCommunicator):
    """One browser's socket, without a network."""

    def __init__(self, app, path: str, headers: list[tuple[bytes, bytes]] = ()) -> None:
        path, _, query = path.partition("?")
        super().__init__(
            app,
            {"type": "websocket", "path": path, "query_string": query.encode(), "headers": list(headers), "subprotocols": []},
        )

    async def connect(self) -> bool:
        """Whether the handshake was accepted."""
        await self.send_input({"type": "websocket.connect"})
        return (await self.receive_output(PATIENCE_SECONDS))["type"] == "websocket.accept"

    async def tell(self, **words) -> None:
        await self.send_input({"type": "websocket.receive", "text": json.dumps(words)})

    async def hear(self) -> dict:
        """The next message."""
        output = await self.receive_output(PATIENCE_SECONDS)
        assert output["type"] == "websocket.send", output
        return json.loads(output["text"])

    async def ask(self, **words) -> dict:
        await self.tell(**words)
        return await self.hear()

    async def close_code(self) -> int:
        """The code with which the server closes, which is the next thing it does."""
        output = await self.receive_output(PATIENCE_SECONDS)
        assert output["type"] == "websocket.close", output
        return output["code"]

    async def leave(self) -> None:
        """The browser goes away."""
        await self.send_input({"type": "websocket.disconnect", "code": 1001})
        await self.wait(PATIENCE_SECONDS)
