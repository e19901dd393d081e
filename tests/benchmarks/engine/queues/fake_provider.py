"""A MiniMax that is always busy: it answers every look at once, and says when it came."""

import asyncio
import json
import time

from tests.benchmarks.engine.queues import speech


async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one look; each comes on a connection of its own."""
    came = time.time_ns()  # before the request is read: it has left the worker
    request = await reader.readuntil(b"\r\n\r\n")
    task = request.split(b" ", 2)[1].rpartition(b"/")[2].decode()
    body = json.dumps({"task": {"id": task, "status": "running"}}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
    await writer.drain()
    writer.close()
    speech.say("looked", task, came)


async def main() -> None:
    """Serve until the end."""
    server = await asyncio.start_server(answered, "127.0.0.1", 0)
    speech.say("ready", server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
