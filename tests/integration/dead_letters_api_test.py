"""Dead letters of a running daemon: over the admin API, and by `sluice dlq` that asks it (G18-G20)."""

import json
import os
import pathlib
import socket
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import admin, outputs, testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402

ORDERS = """
name: orders
source:
  file: {paths: [orders.jsonl], format: json, mode: %(mode)s}
transforms:
  - name: convert
    set:
      total: "%(total)s"
sink:
  sqlite: {path: out.db, table: orders}
checkpoint: {every: 20ms}
"""
BROKEN = "double(this.total)"
MENDED = "this.total == 'n/a' ? 0.0 : double(this.total)"
TOKEN = "0123456789abcdef0123456789abcdef"
BASE = "/api/v1/pipelines/orders/dead-letters"
# Two that the step refuses, one that is no JSON, two good ones; a key with more digits than a double has.
LINES = ['{"id": 1, "total": "n/a", "exact": 123456789012345678901234567890.10}', '{"id": 2, "total": "2"}', '{"id": 3, "total": ',
         '{"id": 4, "total": "n/a", "text": "\\u0007 \\u00e4\\u4e16"}', '{"id": 5, "total": "5"}']


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


class DeadLettersOfADaemon(unittest.TestCase):
    maxDiff = None

    def start(self, work, mode="follow", more=(), **options):
        work.write("orders.jsonl", "".join(line + "\n" for line in LINES))
        work.write("p.yaml", ORDERS % {"mode": mode, "total": BROKEN})
        daemon = work.launch("p.yaml", arguments=more, **options)
        self.url = ("--admin", f"http://127.0.0.1:{daemon.port()}")
        testing.wait_for(lambda: daemon.get("/readyz")[0] == 200, 30, "readiness")
        if not more:
            testing.wait_for(lambda: [letter["state"] for letter in self.get(daemon, "")["letters"]] == 3 * ["open"], 30, "three open letters")
        return daemon

    def get(self, daemon, query, expect=200):
        status, text = daemon.get(BASE + query)
        self.assertEqual(expect, status, text)
        return json.loads(text)

    def post(self, daemon, action, body, expect):
        status, answer = admin.post(daemon, f"{BASE}/{action}", body)
        self.assertEqual(expect, status, answer)
        return answer

    def dlq(self, work, *arguments, expect=0, **options):
        done = work.command("dlq", *arguments, **options)
        self.assertEqual(expect, done.returncode, done.stderr + done.stdout)
        return done

    def mend(self, work):
        work.write("p.yaml", ORDERS % {"mode": "follow", "total": MENDED})
        done = work.command("reload", "--yes", *self.url)
        self.assertEqual(0, done.returncode, done.stderr)

    def ids(self, work):
        return [row[0] for row in outputs.rows(work.path / "out.db", "select id from orders order by id")]

    # ---- the API ---------------------------------------------------------------------------------------------------
    def test_list_totals_and_one(self):
        with Workspace() as work:
            daemon = self.start(work)
            second, first, third = sorted(self.get(daemon, "")["letters"], key=lambda letter: (letter["stage"] != "file", letter["id"]))
            self.assertEqual([("convert", "transform"), ("file", "parse"), ("convert", "transform")],
                             [(letter["stage"], letter["phase"]) for letter in (first, second, third)])
            every = sorted(letter["id"] for letter in (first, second, third))
            self.assertNotIn("record", first, "a list has no content")

            def found(query):
                return [letter["id"] for letter in self.get(daemon, query)["letters"]]

            self.assertEqual([first["id"], third["id"]], found("?stage=convert"))
            self.assertEqual([second["id"]], found("?code=json_syntax"))
            self.assertEqual([third["id"]], found(f"?id={third['id']}"))
            self.assertEqual(every[:2], found("?limit=2"))
            self.assertEqual(every[2:], found(f"?limit=2&after={every[1]}"))
            self.assertEqual([], found("?state=replayed"))
            self.assertEqual([], found("?until=2020-01-01T00:00:00Z"))
            self.assertEqual(3, len(found("?since=2020-01-01T00:00:00Z")))
            totals = self.get(daemon, "?group_by=stage")["totals"]
            self.assertEqual([("convert", 2, 2), ("file", 1, 1)], [(total["stage"], total["count"], total["open"]) for total in totals])
            self.assertEqual({"json_syntax", first["code"]}, {total["code"] for total in self.get(daemon, "?group_by=code")["totals"]})
            shown = self.get(daemon, f"/{first['id']}")
            self.assertEqual(first, {name: shown[name] for name in first})
            self.assertEqual("n/a", shown["record"]["after"]["total"])
            daemon.terminate()

    def test_errors_are_problems_and_change_nothing(self):
        with Workspace() as work:
            daemon = self.start(work)
            for path, status, code in (("?limit=0", 400, "bad_request"), ("?limit=10001", 400, "bad_request"), ("?limit=-1", 400, "bad_request"),
                                       ("?since=soon", 400, "bad_request"), ("?state=lost", 400, "bad_request"), ("?id=x", 400, "bad_request"),
                                       ("?group_by=color", 400, "bad_request"), ("?after=x", 400, "bad_request"), ("/0", 404, "unknown_letter"),
                                       ("/99", 404, "unknown_letter"), ("/x", 404, "unknown_letter"), ("/progress", 400, "bad_request"), ("/progress?first=2&last=1", 400, "bad_request")):
                got, headers, text = admin.request(daemon, "GET", BASE + path)
                self.assertEqual((status, code), (got, json.loads(text)["code"]), path)
                self.assertEqual("application/problem+json", headers["Content-Type"], path)
            self.assertEqual(404, daemon.get("/api/v1/pipelines/none/dead-letters")[0])
            for body in ({}, {"filter": {}}, {"all": False}, {"all": "yes"}, {"filter": {"stag": "convert"}}, {"filter": []}, {"all": True, "limit": 0},
                         {"all": True, "limit": "2"}, {"all": True, "limti": 1}, {"filter": {"id": 0}}, {"filter": {"stage": None}},
                         {"filter": {"state": "lost"}}, {"filter": {"since": "soon"}}):
                for action in ("discard", "replay"):
                    self.assertEqual("bad_request", self.post(daemon, action, body, 400)["code"], (action, body))
            for body in ({"all": True, "from": "middle"}, {"all": True, "from": 1}, {"all": True, "allow_stale": 1}):
                self.assertEqual("bad_request", self.post(daemon, "replay", body, 400)["code"], body)
            self.assertEqual(404, admin.post(daemon, "/api/v1/pipelines/none/dead-letters/discard", {"all": True})[0])
            self.assertEqual(405, admin.request(daemon, "DELETE", BASE)[0])
            self.assertEqual(3 * ["open"], [letter["state"] for letter in self.get(daemon, "")["letters"]])
            paths = json.loads(daemon.get("/api/v1/openapi.json")[1])["paths"]
            self.assertTrue({BASE.replace("orders", "{pipeline}") + end for end in ("", "/{id}", "/progress", "/replay", "/discard")} <= set(paths))
            daemon.terminate()

    def test_discard_and_replay(self):
        with Workspace() as work:
            daemon = self.start(work)
            self.assertEqual({"discarded": 1, "not_open": 0}, self.post(daemon, "discard", {"filter": {"code": "json_syntax"}}, 200))
            self.assertEqual({"discarded": 0, "not_open": 1}, self.post(daemon, "discard", {"filter": {"code": "json_syntax"}}, 200))

            def settled(ticket):
                query = f"/progress?first={ticket['first']}&last={ticket['last']}"
                return testing.wait_for(lambda: (now := self.get(daemon, query))["waiting"] == 0 and now, 30, "the replay")

            again = settled(self.post(daemon, "replay", {"filter": {"stage": "convert"}, "limit": 1}, 202))
            self.assertEqual((0, 1), (again["replayed"], again["refused_again"]))
            self.assertEqual([2, 1], [letter["attempts"] for letter in self.get(daemon, "?stage=convert")["letters"]])
            self.mend(work)
            ticket = self.post(daemon, "replay", {"all": True}, 202)
            self.assertEqual((2, 1), (ticket["accepted"], ticket["not_open"]))
            self.assertEqual((2, 0), (settled(ticket)["replayed"], settled(ticket)["refused_again"]))
            self.assertEqual([1, 2, 4, 5], self.ids(work))
            self.assertIn(f"path={BASE}/replay status=202", daemon.log(), "each change is in the audit")
            daemon.terminate()

    # ---- the commands ----------------------------------------------------------------------------------------------
    def test_the_commands_say_the_same_with_and_without_a_daemon(self):
        with Workspace() as work:
            daemon = self.start(work)
            asked = [("list",), ("list", "orders", "--json"), ("list", "orders", "--stage", "convert", "--limit", "1"), ("list", "--all", "--since", "1h"),
                     ("list", "orders", "--until", "1h"), ("list", "--group-by", "stage,code"), ("list", "orders", "--group-by", "code", "--json")]
            asked += [("show", "orders", letter["id"], *more) for letter in self.get(daemon, "")["letters"] for more in ((), ("--json",))]
            live = [self.dlq(work, *arguments, *self.url).stdout for arguments in asked]
            self.assertTrue(any("123456789012345678901234567890.1" in text for text in live), "all digits")
            missing = self.dlq(work, "show", "orders", "99", *self.url, expect=1)
            self.assertIn("unknown_pipeline", self.dlq(work, "list", "none", *self.url, expect=1).stderr)
            held = self.dlq(work, "list", "--data-dir", work.data, expect=3)
            self.assertIn("a daemon holds", held.stderr)
            daemon.terminate()
            here = ("--data-dir", work.data)
            for arguments, text in zip(asked, live):
                self.assertEqual(text, self.dlq(work, *arguments, *here).stdout, arguments)
            self.assertEqual(missing.stderr, self.dlq(work, "show", "orders", "99", *here, expect=1).stderr)

    def test_more_letters_than_one_answer_holds(self):
        with Workspace() as work:
            daemon = self.start(work)
            with open(work.path / "orders.jsonl", "a", encoding="ascii") as more:
                more.write("".join('{"id": %d, "total": "n/a"}\n' % n for n in range(10, 21010)))

            def count(*arguments):
                return sum(total["open"] for total in lines(self.dlq(work, "list", "orders", "--group-by", "stage", "--json", *arguments, *self.url).stdout))

            testing.wait_for(lambda: count() == 21003, 60, "21,003 open letters")
            self.assertEqual(21002, count("--stage", "convert"))
            listed = [letter["id"] for letter in lines(self.dlq(work, "list", "orders", "--all", "--json", *self.url).stdout)]
            self.assertEqual((21003, listed), (len(set(listed)), sorted(listed)))
            few = [letter["id"] for letter in lines(self.dlq(work, "list", "--limit", "20000", "--stage", "convert", "--json", *self.url).stdout)]
            self.assertEqual((20000, few), (len(set(few)), sorted(few)))
            self.assertEqual(100, len(lines(self.dlq(work, "list", "--json", *self.url).stdout)))
            daemon.terminate()

    def test_find_mend_replay(self):
        with Workspace() as work:
            daemon = self.start(work)
            self.assertEqual(64, self.dlq(work, "replay", "orders", *self.url, expect=64).returncode, "a filter or --all")
            self.assertIn("convert", self.dlq(work, "replay", "orders", "--all", *self.url, expect=1).stderr, "nobody answers the question")
            again = self.dlq(work, "replay", "orders", "--stage", "convert", "--yes", *self.url, expect=4)
            self.assertEqual("0 replayed, 2 refused again (open, with one more attempt)\n", again.stdout)
            work.write("mended.yaml", ORDERS % {"mode": "follow", "total": MENDED})
            self.assertIn("sluice reload", self.dlq(work, "replay", "orders", "--all", "--yes", "--config", "mended.yaml", *self.url, expect=64).stderr)
            tried = self.dlq(work, "replay", "orders", "--stage", "convert", "--dry-run", "--config", "mended.yaml", "--json", "--data-dir", work.data)
            self.assertEqual([1, 4], [row["record"]["after"]["id"] for row in lines(tried.stdout)])
            self.mend(work)
            done, = lines(self.dlq(work, "replay", "orders", "--stage", "convert", "--yes", "--json", *self.url).stdout)
            self.assertEqual({"accepted": 2, "replayed": 2, "refused_again": 0, "put_back": 0, "waiting": 0, "not_yet": 0, "not_open": 0}, done)
            self.assertEqual([1, 2, 4, 5], self.ids(work))
            self.assertEqual(1, self.dlq(work, "discard", "orders", "--all", *self.url, expect=1).returncode)
            gone = self.dlq(work, "discard", "orders", "--all", "--yes", *self.url)
            self.assertEqual("1 discarded, 2 left as they are (decided upon already)\n", gone.stdout)
            self.assertEqual("", self.dlq(work, "list", "--state", "open", *self.url).stdout)
            daemon.terminate()

    def test_a_pipeline_that_does_not_run_replays_when_it_does(self):
        with Workspace() as work:
            daemon = self.start(work)
            self.assertEqual(0, work.command("pause", "orders", "--yes", *self.url).returncode)
            self.mend(work)
            admin.until_state(daemon, "orders", "paused")
            waits = self.dlq(work, "replay", "orders", "--stage", "convert", "--yes", *self.url, expect=1)
            self.assertIn("2 still on their way", waits.stdout)
            self.assertIn("sluice resume orders", waits.stderr)
            self.assertEqual([2, 5], self.ids(work))
            self.assertEqual(0, work.command("resume", "orders", "--yes", *self.url).returncode)
            testing.wait_for(lambda: self.ids(work) == [1, 2, 4, 5], 30, "the replay")
            testing.wait_for(lambda: len(self.get(daemon, "?state=replayed")["letters"]) == 2, 30, "its letters")
            daemon.terminate()

    def test_a_token_is_asked_for(self):
        with Workspace() as work:
            token = work.write("token", TOKEN + "\n")
            os.chmod(token, 0o600)
            daemon = self.start(work, more=("--token-file", str(token)))
            self.assertEqual(401, daemon.get(BASE)[0])
            self.assertEqual(401, admin.post(daemon, BASE + "/discard", {"all": True})[0])
            self.assertIn("error[", self.dlq(work, "list", *self.url, expect=1).stderr)
            testing.wait_for(lambda: len(lines(self.dlq(work, "list", "--json", *self.url, "--token-file", token).stdout)) == 3, 30, "three letters")
            daemon.terminate()

    def test_no_daemon(self):
        with Workspace() as work:
            daemon = self.start(work)
            daemon.terminate()
            unreachable = self.dlq(work, "list", *self.url, expect=3, environment={"STATE_DIRECTORY": str(work.data)})
            self.assertIn("daemon_unreachable", unreachable.stderr)
            self.assertIn("--data-dir while no daemon runs", unreachable.stderr)
            self.assertEqual(64, self.dlq(work, "list", *self.url, "--data-dir", work.data, expect=64).returncode)
            self.assertEqual(64, self.dlq(work, "list", "--admin", "nonsense", expect=64).returncode)

    def test_no_daemon_at_the_usual_address_the_usual_directory(self):
        with Workspace() as work:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", 7600)) == 0:
                    self.skipTest("something listens on port 7600")
            daemon = self.start(work)
            usual = {"STATE_DIRECTORY": str(work.data)}
            self.assertIn("daemon_unreachable", self.dlq(work, "list", expect=3, environment=usual).stderr, "a daemon at another port holds it")
            daemon.terminate()
            self.assertIn("daemon_unreachable", self.dlq(work, "list", expect=3).stderr, "there is no ./sluice-data")
            listed = self.dlq(work, "list", "--json", environment=usual)
            self.assertEqual(3, len(lines(listed.stdout)))
            self.assertIn("working in the data directory", listed.stderr)
            self.dlq(work, "discard", "orders", "--code", "json_syntax", "--yes", environment=usual)
            self.assertEqual(2, len(lines(self.dlq(work, "list", "--json", "--state", "open", environment=usual).stdout)))


if __name__ == "__main__":
    testing.main()
