"""Clients that post records over keep-alive connections, and small HTTP servers that misbehave on request."""

import asyncio
import json
import socket
import socketserver
import threading
import time


class Load:
    """`clients` connections, each posting {"id": ...} records one request after the other; notes what was answered.

    answered: ids whose request got 200, in no order.  statuses: {status: how many}; 0 stands for a connection that ended.
    """

    def __init__(self, port, clients, path="/events", records=1, token=None, requests=None, first=0):
        self.port, self.clients, self.path, self.records, self.token, self.requests = port, clients, path, records, token, requests
        self.answered, self.statuses, self.latencies = [], {}, []
        self._next = first
        self._stop = threading.Event()
        self._thread = None

    def start(self):
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        return self

    def stop(self):
        self._stop.set()
        self.join()

    def join(self):
        self._thread.join()

    async def _run(self):
        await asyncio.gather(*(self._client() for _ in range(self.clients)))

    def _wanted(self):
        return not self._stop.is_set() and (self.requests is None or self._next < self.requests * self.records)

    async def _client(self):
        while self._wanted():
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                self._count(0)
                await asyncio.sleep(0.01)
                continue
            try:
                while self._wanted():
                    if not await self._post(reader, writer):
                        break
            except (OSError, asyncio.IncompleteReadError, ValueError):
                self._count(0)
            finally:
                writer.close()

    async def _post(self, reader, writer):
        ids = range(self._next, self._next + self.records)
        self._next += self.records
        body = "".join(json.dumps({"id": n}) + "\n" for n in ids).encode()
        token = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        began = time.monotonic()
        writer.write(f"POST {self.path} HTTP/1.1\r\nHost: x\r\n{token}Content-Type: application/x-ndjson\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status = int(head.split(" ", 2)[1])
        length = next((int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
        answer = await reader.readexactly(length)
        self._count(status)
        if status == 200:
            self.latencies.append(time.monotonic() - began)
            assert json.loads(answer)["accepted"] == self.records, answer
            self.answered.extend(ids)
        elif status in (429, 503):
            await asyncio.sleep(0.02)
        return "connection: close" not in head.lower()

    def _count(self, status):
        self.statuses[status] = self.statuses.get(status, 0) + 1


class Answer:
    """What a Server says: a status, a body, headers; or bytes sent as they are and then the end."""

    def __init__(self, status=200, body=b"", headers=None, raw=None):
        self.status, self.body, self.headers, self.raw = status, body, headers or {}, raw


class Server:
    """An HTTP server of the test's own: `answer(method, target, headers, body)` gives an Answer, or None for silence until the client goes."""

    def __init__(self, answer):
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                while outer.serve(self.rfile, self.wfile):
                    pass

        class Threads(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request, client_address):
                pass  # a client that was killed

        self.answer = answer
        self._server = Threads(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def serve(self, rfile, wfile):
        line = rfile.readline().decode("latin-1").split(" ")
        if len(line) != 3:
            return False
        headers = {}
        while True:
            text = rfile.readline().decode("latin-1").strip()
            if not text:
                break
            name, value = text.split(":", 1)
            headers[name.lower()] = value.strip()
        body = rfile.read(int(headers.get("content-length", 0)))
        answer = self.answer(line[0], line[1], headers, body)
        if answer is None:
            rfile.read(1)
            return False
        if answer.raw is not None:
            wfile.write(answer.raw)
            return False
        head = f"HTTP/1.1 {answer.status} X\r\nContent-Length: {len(answer.body)}\r\n"
        wfile.write((head + "".join(f"{k}: {v}\r\n" for k, v in answer.headers.items()) + "\r\n").encode("latin-1") + answer.body)
        return True


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
