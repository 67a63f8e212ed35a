"""The receiving side: a small HTTPS server that reads each request and answers at once. Own process, loopback only."""

from __future__ import annotations

import argparse
import asyncio
import ssl

ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 18\r\n\r\n" + b'{"accepted": true}'
)
LARGE_BYTES = 16 * 2**20
LARGE = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % LARGE_BYTES
"""Head of the answer to `GET /large`."""


class Origin(asyncio.Protocol):
    """Counts off requests with a content-length; what is pipelined or chunked is not needed here."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.waiting = b""
        self.left = 0
        """Bytes of a large answer that are not written yet."""
        self.is_paused = False

    def pause_writing(self) -> None:
        self.is_paused = True

    def resume_writing(self) -> None:
        self.is_paused = False
        self.write_more()

    def write_more(self) -> None:
        while self.left and not self.is_paused:
            piece = min(self.left, 65536)
            self.left -= piece
            self.transport.write(bytes(piece))

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        head, end, rest = self.waiting.partition(b"\r\n\r\n")
        if not end:
            return
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        if len(rest) >= length:
            self.waiting = rest[length:]
            if head.startswith(b"GET /large "):
                self.transport.write(LARGE)
                self.left = LARGE_BYTES
                self.write_more()
            else:
                self.transport.write(ANSWER)


async def serve(chain: str, key: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, key)
    server = await asyncio.get_running_loop().create_server(Origin, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chain")
    parser.add_argument("key")
    given = parser.parse_args()
    asyncio.run(serve(given.chain, given.key))
