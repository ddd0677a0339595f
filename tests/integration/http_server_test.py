"""http_server as clients see it: every status, 2,000 clients at once, gzip, TLS, tokens, limits."""

import gzip
import json
import pathlib
import resource
import socket
import ssl
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import http_load, outputs, testing  # noqa: E402
from support.daemon import Workspace, balance  # noqa: E402

PIPELINE = """
name: web
source:
  http_server:
    listen: "127.0.0.1:%(port)d"
    path: /events
    format: json
%(more)s
sink:
  %(sink)s
"""
SQLITE = "sqlite: {path: out.db, table: events}"
JSON, NDJSON = "application/json", "application/x-ndjson"


class Client:
    """One connection; requests as bytes, answers as (status, headers, body)."""

    def __init__(self, port, context=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def post(self, body, kind=JSON, path="/events", method="POST", **headers):
        if isinstance(body, str):
            body = body.encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}"]
        if kind:
            lines.append(f"Content-Type: {kind}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return self.answer()

    def answer(self):
        line = self.file.readline().decode()
        if not line:
            return 0, {}, b""
        headers = {}
        while True:
            text = self.file.readline().decode().strip()
            if not text:
                break
            name, value = text.split(":", 1)
            headers[name.lower()] = value.strip()
        return int(line.split()[1]), headers, self.file.read(int(headers.get("content-length", 0)))


class Case(unittest.TestCase):
    def serve(self, work, more="", sink=SQLITE):
        self.port = http_load.free_port()
        indented = "".join(f"    {line}\n" for line in more.splitlines())
        work.write("p.yaml", PIPELINE % {"port": self.port, "more": indented, "sink": sink})
        daemon = work.start("p.yaml")
        testing.wait_for(self.is_open, 10, "the source's port")
        return daemon

    def is_open(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            return True
        except OSError:
            return False

    def check(self, status, answer, code=None):
        self.assertEqual(status, answer[0], answer)
        if code:
            self.assertEqual("application/problem+json", answer[1]["content-type"])
            problem = json.loads(answer[2])
            self.assertEqual((status, code), (problem["status"], problem["code"]))
            self.assertTrue(problem["detail"])

    def taken(self, answer, accepted, dead_lettered=0):
        self.check(200, answer)
        self.assertEqual({"accepted": accepted, "dead_lettered": dead_lettered}, json.loads(answer[2]))


class Answers(Case):
    def test_what_is_taken_and_what_is_not(self):
        with Workspace() as work:
            daemon = self.serve(work, "max_body: 1KiB")
            with Client(self.port) as client:
                self.taken(client.post('{"id": 1}'), 1)
                self.taken(client.post(' [{"id": 2}, {"id": 3} ]\n', "Application/JSON; charset=utf-8"), 2)
                self.taken(client.post('{"id": 4}\r\n\n{"id": 5}', NDJSON), 2)
                self.taken(client.post("[]"), 0)
                self.taken(client.post("", NDJSON), 0)
                # Bad items are dead letters; the others are taken.
                self.taken(client.post('[{"id": 6}, 7, "x", {"id": }, {"id": 8}]'), 2, 3)
                self.taken(client.post('{"id": 9}\nnonsense\n{"id": 10}\n', NDJSON), 2, 1)
                self.taken(client.post(gzip.compress(b'{"id": 11}'), Content_Encoding="gzip"), 1)
                # The body as a whole: nothing is stored.
                for body in ('{"id": 12', "", "[{}", '[{"id": 12}', '{"id": 12}]', '{"id": 12} {"id": 13}', "[1,,2]", "nonsense", '"text', "12"):
                    with self.subTest(body):
                        self.check(400, client.post(body), None)
                self.check(400, client.post(b"no gzip", Content_Encoding="gzip"), "gzip_damaged")
                self.check(415, client.post("{}", "text/plain"), "unsupported_media_type")
                self.check_refusals()
            self.check_stored(daemon, work)

    def check_refusals(self):
        """Each with a connection of its own: an unread body ends it."""
        def once(*arguments, **more):
            with Client(self.port) as client:
                return client.post(*arguments, **more)

        self.check(415, once("{}", None), "unsupported_media_type")
        self.check(415, once("{}", Content_Encoding="br"), "unsupported_encoding")
        self.check(404, once("{}", path="/other"), "not_found")
        self.check(405, once("{}", method="PUT"), "method_not_allowed")
        self.check(413, once("x" * 1025), "body_too_large")
        self.check(413, once(gzip.compress(b" " * 100000), Content_Encoding="gzip"), "body_too_large")
        self.check(403, once("{}", Origin="https://evil.example"), "cross_origin")
        self.check(431, once("{}", X_Long="x" * 20000), "head_too_large")
        self.taken(once('{"id": 14}', path="/events?source=a"), 1)
        with Client(self.port) as client:
            client.send(b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(b"HTTP/1.1 100 Continue\r\n", client.file.readline())
            client.file.readline()
            client.send(b'4\r\n{"id\r\n6\r\n": 15}\r\n0\r\n\r\n')
            self.taken(client.answer(), 1)
            # Two requests at once are answered in their order.
            one = b'POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"id": 16}'
            client.send(one + one.replace(b"16", b"17").replace(b"/events", b"/nowhere") + one.replace(b"16", b"18"))
            self.taken(client.answer(), 1)
            self.check(404, client.answer())
        with Client(self.port) as client:
            client.send(b"GARBAGE\r\n\r\n")
            self.check(400, client.answer(), "bad_request_line")

    def check_stored(self, daemon, work):
        ids = sorted(n for (n,) in outputs.rows(work.path / "out.db", "select id from events"))
        self.assertEqual([1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 14, 15, 16], ids)
        lane = daemon.books("web")["sqlite"]
        self.assertEqual((0, 13 + 4, 4), (balance(lane), lane["in"], lane["dead_lettered"]))
        metrics = daemon.metrics()
        counted = {dict(labels)["status"]: value for (name, labels), value in metrics.items() if name == "sluice_http_requests_total"}
        self.assertEqual((1, 1, 1, 0), (counted["403"], counted["405"], counted["431"], counted["504"]))
        daemon.terminate()

    def test_token(self):
        with Workspace() as work:
            (work.path / "token").write_text("right\n")
            self.serve(work, "token: ${file:token}")
            with Client(self.port) as client:
                self.taken(client.post('{"id": 1}', Authorization="Bearer right"), 1)
            for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic right"}, {"Authorization": "Bearer rightright"}):
                with Client(self.port) as client:
                    answer = client.post("{}", **given)
                    self.check(401, answer, "unauthorized")
                    self.assertEqual("Bearer", answer[1]["www-authenticate"])
            (work.path / "token").write_text("new\n")
            testing.wait_for(lambda: self.status_with("new") == 200, 10, "the token is read again")
            self.assertEqual(401, self.status_with("right"))

    def status_with(self, token):
        with Client(self.port) as client:
            return client.post('{"id": 2}', Authorization=f"Bearer {token}")[0]

    def test_other_addresses_need_a_token(self):
        with Workspace() as work:
            work.write("p.yaml", 'name: web\nsource:\n  http_server: {listen: "0.0.0.0:0"}\nsink:\n  discard: {}\n')
            done = work.command("validate", "p.yaml")
            self.assertEqual(2, done.returncode, done.stdout + done.stderr)
            self.assertIn("token", done.stdout + done.stderr)

    def test_a_port_that_is_taken_is_said_and_waited_for(self):
        with Workspace() as work, socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.port = taken.getsockname()[1]
            work.write("p.yaml", PIPELINE % {"port": self.port, "more": "", "sink": "discard: {}"})
            daemon = work.launch("p.yaml")
            error = testing.wait_for(lambda: daemon.pipeline("web")["last_error"], 20, "the error")
            self.assertEqual(("listen_failed", "transient"), (error["code"], error["kind"]))
            self.assertIn(f"127.0.0.1:{self.port}", error["message"])
            taken.close()
            testing.wait_for(lambda: daemon.pipeline("web")["state"] == "running" and self.is_open(), 40, f"the port\n{daemon.log_tail()}")


class Slow(Case):
    def test_a_sink_that_is_down_means_504_then_429(self):
        """The sink answers nobody: requests wait, time out, and beyond max_waiting are turned away; none of them was answered 200."""
        with http_load.Server(lambda *_: None) as server, Workspace() as work:
            sink = f"http: {{url: 'http://127.0.0.1:{server.port}/', timeout: 60s}}"
            daemon = self.serve(work, "ack_timeout: 1s\nmax_body: 4KiB\nmax_waiting: 8KiB", sink)
            body = json.dumps({"text": "x" * 3000})
            clients = [Client(self.port) for _ in range(12)]
            for client in clients:
                client.send(f"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            answers = [client.answer() for client in clients]
            for client in clients:
                client.__exit__()
            statuses = sorted(answer[0] for answer in answers)
            self.assertEqual({429, 504}, set(statuses), statuses)
            for answer in answers:
                self.check(answer[0], answer, "queue_full" if answer[0] == 429 else "outcome_unknown")
                if answer[0] == 429:
                    self.assertEqual("1", answer[1]["retry-after"])
            daemon.kill()

    def test_slow_clients_hold_nobody_up(self):
        with Workspace() as work:
            self.serve(work, "read_timeout: 500ms")
            slow = [Client(self.port) for _ in range(20)]
            for client in slow[:10]:
                client.send(b"POST /events HTTP/1.1\r\nHo")
            for client in slow[10:]:
                client.send(b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{")
            with Client(self.port) as client:
                self.taken(client.post('{"id": 1}'), 1)
            for client in slow:
                self.check(408, client.answer(), "request_timeout")
                client.__exit__()

    def test_two_thousand_clients_wait_for_few_commits(self):
        clients = 2000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, clients + 500), hard))
        try:
            with Workspace() as work:
                daemon = self.serve(work)
                load = http_load.Load(self.port, clients=clients, requests=3 * clients).start()
                load.join()
                # Clients that were still under way when the last number was taken make a few more.
                self.assertEqual({200}, set(load.statuses), load.statuses)
                self.assertEqual(set(range(3 * clients)), set(load.answered))
                commits = daemon.metrics()[("sluice_commits_total", (("component", "sqlite"), ("component_kind", "sink"), ("pipeline", "web")))]
                self.assertLess(commits, clients, "requests share commits")
                daemon.terminate()
                seen = [n for (n,) in outputs.rows(work.path / "out.db", "select id from events")]
                self.assertEqual(list(range(3 * clients)), sorted(seen))
                late = sorted(load.latencies)
                print(f"{clients} clients, {len(seen)} requests, {commits:.0f} commits, p50 {late[len(late) // 2]:.3f} s, p99 {late[len(late) * 99 // 100]:.3f} s")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Tls(Case):
    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def make_certificates(self, folder):
        self.folder = folder
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        for authority in ("ca", "other"):
            self.openssl("req", "-x509", *key, "-keyout", f"{authority}.key", "-out", f"{authority}.pem", "-days", "30", "-subj", f"/CN={authority}")
        for name, authority in (("server", "ca"), ("client", "ca"), ("stranger", "other")):
            (folder / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
            self.openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
            self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial",
                         "-days", "30", "-out", f"{name}.pem", "-extfile", "ext")

    def context(self, certificate=None):
        context = ssl.create_default_context(cafile=self.folder / "ca.pem")
        if certificate:
            context.load_cert_chain(self.folder / f"{certificate}.pem", self.folder / f"{certificate}.key")
        return context

    def test_both_ends(self):
        """http_server with client certificates, and the http sink talking to it: the right certificate, none, a stranger's, a wrong name."""
        with Workspace() as work:
            self.make_certificates(work.path)
            self.serve_tls(work)
            with Client(self.port, self.context("client")) as client:
                self.taken(client.post('{"id": 1}'), 1)
                self.taken(client.post("[" + ",".join('{"id": 2}' for _ in range(50000)) + "]"), 50000)
            for certificate in (None, "stranger"):
                with self.assertRaises((ssl.SSLError, ConnectionError)), Client(self.port, self.context(certificate)) as client:
                    client.post('{"id": 3}')
            work.write("in.jsonl", '{"n": 1}\n{"n": 2}\n')
            self.push(work, "good", "localhost", "tls: {ca: ca.pem, certificate: client.pem, key: client.key}", None)
            self.push(work, "address", "127.0.0.1", "tls: {ca: ca.pem, certificate: client.pem, key: client.key}", None)
            self.push(work, "nobody", "localhost", "tls: {ca: ca.pem}", ("tls_failed", "http_connection_lost"))
            self.push(work, "untrusted", "localhost", "tls: {certificate: client.pem, key: client.key}", ("tls_failed",))
            self.push(work, "named", "localhost.localdomain", "tls: {ca: ca.pem, certificate: client.pem, key: client.key}",
                      ("tls_failed", "http_unreachable"))
            self.push(work, "missing", "localhost", "tls: {ca: nowhere.pem}", ("tls_files",))

    def serve_tls(self, work):
        self.serve(work, "tls: {certificate: server.pem, key: server.key, client_ca: ca.pem}")

    def push(self, work, name, host, tls, codes):
        work.write(f"{name}.yaml", f"name: {name}\nsource:\n  file: {{paths: [in.jsonl], mode: once}}\nsink:\n  http:\n"
                   f"    url: https://{host}:{self.port}/events\n    {tls}\nretry: {{initial: 50ms, max: 100ms}}\n")
        if codes is None:
            work.run_to_end(f"{name}.yaml", data=work.path / f"data-{name}")
            return
        daemon = work.launch(f"{name}.yaml", data=work.path / f"data-{name}")
        error = testing.wait_for(lambda: daemon.pipeline(name)["last_error"], 20, f"the error of {name}\n{daemon.log_tail()}")
        self.assertIn(error["code"], codes, error)
        daemon.kill()


if __name__ == "__main__":
    testing.main()
