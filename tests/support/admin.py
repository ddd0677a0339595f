"""Speaks to a daemon's admin API as a client with a token or TLS would."""

import http.client
import json
import socket
import ssl
import subprocess
import threading
import time


def request(daemon, method, path, body=None, headers=None, tls=None, host="127.0.0.1"):
    """(status, headers, text) of one request; `body` becomes JSON.  `tls`: a CA file."""
    if tls:
        connection = http.client.HTTPSConnection(host, daemon.port(), timeout=60, context=ssl.create_default_context(cafile=tls))
    else:
        connection = http.client.HTTPConnection(host, daemon.port(), timeout=60)
    try:
        text = None if body is None else json.dumps(body)
        kind = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, path, text, {**kind, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read().decode()
    finally:
        connection.close()


def post(daemon, path, body=None):
    """(status, JSON)"""
    status, _, text = request(daemon, "POST", path, body)
    return status, json.loads(text)


def certificate(folder):
    """(certificate, key): PEM files of a certificate for 127.0.0.1 that signs itself."""
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key_file, "-out", certificate_file],
                   check=True, capture_output=True)
    return certificate_file, key_file


class SlowClients:
    """`count` connections that send one byte of a header line each 0.2 s."""

    def __init__(self, port, count):
        self.sockets = []
        self.ends = threading.Event()
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", port), timeout=10)
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ")
            self.sockets.append(client)
        self.thread = threading.Thread(target=self._trickle, daemon=True)

    def _trickle(self):
        while not self.ends.wait(0.2):
            for client in list(self.sockets):
                try:
                    client.sendall(b"x")
                except OSError:
                    self.sockets.remove(client)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()
        for client in self.sockets:
            client.close()


def until_state(daemon, pipeline, state, seconds=30):
    deadline = time.monotonic() + seconds
    while True:
        now = daemon.pipeline(pipeline)
        if now["state"] == state:
            return now
        if time.monotonic() > deadline:
            raise AssertionError(f"{pipeline} is {now['state']} and not {state}: {now['last_error']}\n{daemon.log_tail()}")
        time.sleep(0.02)
