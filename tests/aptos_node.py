"""A full node of Aptos, as far as sign-ins ask one: accounts and their authentication keys, over HTTP on loopback."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class AptosNode:
    """`keys`: what the chain holds where it is not the address itself. `status`: 200, or what a sick node answers."""

    chain_id: int = 2
    status: int = 200
    keys: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        node = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                address = self.path.removeprefix("/v1/accounts/")
                body = json.dumps({"sequence_number": "0", "authentication_key": node.keys.get(address, address)}).encode()
                self.send_response(node.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("X-Aptos-Chain-Id", str(node.chain_id))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
