"""http_client: pages by mark, number and link; polls by cursor and ETag; what servers do wrong; the documents' examples."""

import gzip
import json
import pathlib
import re
import sys
import threading
import unittest
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import http_load, outputs, testing  # noqa: E402
from support.daemon import ROOT, Workspace  # noqa: E402

PIPELINE = """
name: poll
source:
  http_client:
    url: http://127.0.0.1:%(port)d/items%(query)s
    every: 50ms
%(more)s
sink:
  sqlite: {path: out.db, table: items}
checkpoint: {every: 20ms}
retry: {initial: 10ms, max: 50ms}
"""


def page(items, headers=None, **more):
    return http_load.Answer(200, json.dumps({"items": items, **more} if more else items).encode(), {"Content-Type": "application/json", **(headers or {})})


class Case(unittest.TestCase):
    def run_pipeline(self, work, answer, more, query=""):
        """Starts the pipeline against `answer(path, parameters, headers)`; notes each request's parameters."""
        self.asked, lock = [], threading.Lock()

        def serve(_method, target, headers, _body):
            parts = urlsplit(target)
            parameters = {name: values[0] for name, values in parse_qs(parts.query).items()}
            with lock:
                self.asked.append((parts.path, parameters, headers))
                return answer(parts.path, parameters, headers)

        server = self.enterContext(http_load.Server(serve))
        self.port = server.port
        indented = "".join(f"    {line}\n" for line in more.splitlines())
        work.write("p.yaml", PIPELINE % {"port": server.port, "more": indented, "query": query})
        return work.start("p.yaml")

    def enterContext(self, context):  # noqa: N802: unittest has it since Python 3.11
        result = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return result

    @staticmethod
    def ids(work):
        return [n for (n,) in outputs.rows(work.path / "out.db", "select id from items order by rowid")]

    def wait_ids(self, work, daemon, expected):
        testing.wait_for(lambda: len(self.ids(work)) >= len(expected), 20, f"{len(expected)} items\n{daemon.log_tail()}")
        self.assertEqual(expected, self.ids(work)[:len(expected)])

    def error(self, daemon, code):
        def look():
            error = daemon.pipeline("poll")["last_error"]
            return error if error and error["code"] == code else None

        return testing.wait_for(look, 20, f"{code}\n{daemon.log_tail()}")


class Pages(Case):
    def test_by_mark(self):
        pages = {None: ([1, 2], "a b&c"), "a b&c": ([3], 7), "7": ([], "z"), "z": ([4], None)}

        def answer(_path, parameters, _headers):
            if parameters.get("once") != "1":
                return http_load.Answer(500)
            items, following = pages[parameters.get("mark")]
            return page([{"id": n} for n in items], next=following)

        with Workspace() as work:
            daemon = self.run_pipeline(work, answer, "items: items\npagination: {cursor: {from: next, parameter: mark}}", "?once=1")
            self.wait_ids(work, daemon, [1, 2, 3, 4, 1, 2, 3, 4])  # without a cursor each poll gives all

    def test_by_number(self):
        with Workspace() as work:
            daemon = self.run_pipeline(work, lambda _, p, __: page([{"id": int(p["p"]) * 10 + k} for k in range(2)] if int(p["p"]) < 3 else []),
                                       "pagination: {page: {parameter: p, first: 0}}")
            self.wait_ids(work, daemon, [0, 1, 10, 11, 20, 21, 0, 1])

    def test_by_link(self):
        def answer(path, parameters, _headers):
            number = int(parameters.get("n", 1))
            links = {1: '</items/more?n=2>; rel="next", </items?n=9>; rel="last"', 2: '<?n=3>; title="x"; rel="prefetch next"'}
            assert path == ("/items" if number == 1 else "/items/more"), path
            return page([{"id": number}], {"Link": links[number]} if number in links else {})

        with Workspace() as work:
            daemon = self.run_pipeline(work, answer, "pagination: link")
            self.wait_ids(work, daemon, [1, 2, 3, 1, 2, 3])

    def test_a_link_to_another_server_is_not_followed(self):
        with Workspace() as work:
            daemon = self.run_pipeline(work, lambda *_: page([{"id": 1}], {"Link": '<http://169.254.169.254/>; rel="next"'}), "pagination: link\nauth: {bearer: hush}")
            error = self.error(daemon, "http_bad_answer")
            self.assertIn("169.254.169.254", error["message"])
            self.assertEqual([], self.ids(work))  # the page is not taken: its position could not be told


class Polls(Case):
    def test_by_cursor_across_a_restart(self):
        there = [{"id": n, "at": f"2026-01-{n:02}T00:00:00Z"} for n in range(1, 6)]

        def answer(_path, parameters, _headers):
            return page([item for item in there if item["at"] > parameters["since"]][:3])

        with Workspace() as work:
            daemon = self.run_pipeline(work, answer, 'cursor: {field: at, parameter: since, start: "2026-01-02T00:00:00Z"}')
            self.wait_ids(work, daemon, [3, 4, 5])
            daemon.kill()
            there.append({"id": 6, "at": "2026-01-06T00:00:00Z"})
            daemon = work.start("p.yaml")
            self.wait_ids(work, daemon, [3, 4, 5, 6])
            polls = len(self.asked)
            testing.wait_for(lambda: len(self.asked) > polls + 5, 10, "more polls")
            self.assertEqual([3, 4, 5, 6], self.ids(work))
            self.assertEqual("2026-01-06T00:00:00Z", self.asked[-1][1]["since"])

    def test_unchanged_answers_are_not_taken_again(self):
        state = {"id": 1}

        def answer(_path, _parameters, headers):
            tag = f'"v{state["id"]}"'
            if headers.get("if-none-match") == tag:
                assert headers["if-modified-since"] == "Thu, 01 Jan 2026 00:00:00 GMT"
                return http_load.Answer(304)
            return page([dict(state)], {"ETag": tag, "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"})

        with Workspace() as work:
            daemon = self.run_pipeline(work, answer, "")
            self.wait_ids(work, daemon, [1])
            testing.wait_for(lambda: len(self.asked) > 5, 10, "polls")
            state["id"] = 2
            self.wait_ids(work, daemon, [1, 2])
            daemon.terminate()
            daemon = work.start("p.yaml")
            polls = len(self.asked)
            testing.wait_for(lambda: len(self.asked) > polls + 3, 10, "polls after a restart")
            self.assertEqual([1, 2], self.ids(work))


class Answers(Case):
    def test_forms(self):
        """One object, lines, gzip, bad items, 204, nothing."""
        answers = [http_load.Answer(200, b' {"id": 1} ', {"Content-Type": "application/json"}),
                   http_load.Answer(200, b'{"id": 2}\nnonsense\n{"id": 3}', {"Content-Type": "application/x-ndjson"}),
                   http_load.Answer(200, gzip.compress(b'[{"id": 4}, 5, {"id": 6}]'), {"Content-Type": "application/json", "Content-Encoding": "gzip"}),
                   http_load.Answer(204), http_load.Answer(200, b""),
                   http_load.Answer(raw=b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[{"\r\n7\r\nid": 7}\r\n1\r\n]\r\n0\r\n\r\n'),
                   http_load.Answer(raw=b'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n[{"id": 8}]')]
        with Workspace() as work:
            daemon = self.run_pipeline(work, lambda *_: answers.pop(0) if answers else http_load.Answer(204), "")
            self.wait_ids(work, daemon, [1, 2, 3, 4, 6, 7, 8])
            letters = testing.wait_for(lambda: daemon.books("poll")["sqlite"]["dead_lettered"] == 2, 10, "dead letters")
            self.assertTrue(letters)

    def test_csv_and_headers(self):
        with Workspace() as work:
            done = []

            def answer(_path, _parameters, headers):
                assert headers["x-key"] == "k" and headers["authorization"] == "Basic dTpw", headers
                done.append(1)
                return http_load.Answer(200, b"id,name\n1,a\n2,b\n" if len(done) == 1 else b"", {"Content-Type": "text/csv"})

            daemon = self.run_pipeline(work, answer, "format: csv\nheaders: {X-Key: k}\nauth: {basic: {user: u, password: p}}")
            self.wait_ids(work, daemon, ["1", "2"])

    def test_what_goes_wrong_is_said_and_mended(self):
        bad = {"nothing at": page([], other=1), "no array": page("text", x=1), "no JSON": http_load.Answer(200, b"<html>", {"Content-Type": "text/html"}),
               "half": http_load.Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), "unavailable": http_load.Answer(503, b"later", {"Retry-After": "0"}),
               "unauthorized": http_load.Answer(401, b"who"), "gone": http_load.Answer(404), "elsewhere": http_load.Answer(301, b"", {"Location": "/x"})}
        codes = {"half": "http_connection_lost", "unavailable": "http_unavailable", "unauthorized": "http_unauthorized", "gone": "http_not_found",
                 "elsewhere": "http_redirect"}
        bad["nothing at"] = http_load.Answer(200, b'{"other": []}', {"Content-Type": "application/json"})
        bad["no array"] = http_load.Answer(200, b'{"items": "text"}', {"Content-Type": "application/json"})
        now = {}
        with Workspace() as work:
            daemon = self.run_pipeline(work, lambda *_: now.get("bad") or page([{"id": 1}], ok=1), "items: items\ncursor: {field: id}")
            self.wait_ids(work, daemon, [1])
            for name, answer in bad.items():
                with self.subTest(name):
                    now["bad"] = answer
                    error = self.error(daemon, codes.get(name, "http_bad_answer"))
                    self.assertEqual("transient", error["kind"])
            now.clear()
            before = len(self.ids(work))
            testing.wait_for(lambda: len(self.ids(work)) > before, 20, "it goes on by itself")
            self.assertNotEqual("failed", daemon.pipeline("poll")["state"])

    def test_an_answer_that_is_too_large_stops_the_pipeline(self):
        with Workspace() as work:
            daemon = self.run_pipeline(work, lambda *_: page([{"id": 1, "text": "x" * 5000}]), "max_response: 4KiB")
            daemon.wait_exit(1, 30)  # its only pipeline has failed
            for said in ("answer_too_large", "kind=fatal", "max_response"):
                self.assertIn(said, daemon.log())

    def test_secrets_are_in_no_output(self):
        with Workspace() as work:
            daemon = self.run_pipeline(work, lambda *_: http_load.Answer(401, b"no"), "headers: {X-Key: canary-1}\nauth: {bearer: canary-2}")
            self.error(daemon, "http_unauthorized")
            rendered = work.command("explain", "p.yaml")
            for text in (daemon.log(), daemon.get("/metrics")[1], daemon.get("/api/v1/pipelines")[1], rendered.stdout + rendered.stderr):
                self.assertNotIn("canary", text)


class Documents(unittest.TestCase):
    def test_examples_validate(self):
        with Workspace() as work:
            (work.path / "secret").write_text("x")
            for document in ("docs/sources/http_server.md", "docs/sources/http_client.md", "docs/sinks/http.md"):
                examples = re.findall(r"```yaml\n(.*?)```", (ROOT / document).read_text("utf-8"), re.DOTALL)
                self.assertTrue(examples, document)
                for text in examples:
                    path = work.write("example.yaml", text.replace("/run/secrets/api-token", "secret"))
                    done = work.command("validate", path)
                    self.assertEqual(0, done.returncode, f"{document}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    testing.main()
