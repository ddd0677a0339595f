"""The admin API from outside: who may ask, what hostile clients can do, control over pipelines, the client commands."""

import json
import os
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import admin, outputs, testing  # noqa: E402
from support.daemon import Workspace, balance  # noqa: E402

ORDERS = """
name: orders
source:
  generator: {dataset: orders, count: %d, rate: %d/s, seed: 5}
transforms:
  - name: big
    filter: this.id %% 2 == 0
sink:
  sqlite: {path: out.db, table: orders, mode: append}
checkpoint: {every: 50ms}
"""
TOKEN = "0123456789abcdef0123456789abcdef"


def ids(work):
    return [row[0] for row in outputs.rows(work.path / "out.db", "select id from orders order by rowid")]


def token_file(work, mode=0o600):
    path = work.write("token", TOKEN + "\n")
    os.chmod(path, mode)
    return path


class WhoMayAsk(unittest.TestCase):
    def test_another_address_needs_a_token(self):
        with Workspace() as work:
            work.write("p.yaml", ORDERS % (10, 10))
            refused = work.launch("p.yaml", arguments=("--listen", "0.0.0.0:0"))
            refused.wait_exit(2)
            self.assertIn("listen_not_loopback", refused.log())
            open_token = work.launch("p.yaml", arguments=("--token-file", str(token_file(work, 0o644))))
            open_token.wait_exit(2)
            self.assertIn("chmod 600", open_token.log())
            self.assertNotIn(TOKEN, open_token.log())

    def test_token_and_tls(self):
        with Workspace() as work:
            work.write("p.yaml", ORDERS % (100000, 100))
            certificate, key = admin.certificate(work.path)
            token = token_file(work)
            daemon = work.launch("p.yaml", arguments=("--token-file", str(token), "--tls-certificate", str(certificate), "--tls-key", str(key)))
            daemon.port()
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            self.assertEqual(401, admin.request(daemon, "GET", "/api/v1/version", tls=certificate)[0])
            self.assertEqual(401, admin.request(daemon, "GET", "/api/v1/version", headers={"Authorization": "Bearer x"}, tls=certificate)[0])
            self.assertEqual(200, admin.request(daemon, "GET", "/api/v1/version", headers=bearer, tls=certificate)[0])
            self.assertIn(admin.request(daemon, "GET", "/healthz", tls=certificate)[0], (200, 503))
            self.assertEqual((0, ""), daemon.get("/healthz"), "plain HTTP gets no answer from a port that speaks TLS")
            url = f"https://127.0.0.1:{daemon.port()}"
            trusted = work.command("status", "--admin", url, "--token-file", token, "--ca-certificate", certificate)
            self.assertEqual(0, trusted.returncode, trusted.stderr)
            self.assertIn("orders", trusted.stdout)
            self.assertEqual(3, work.command("status", "--admin", url, "--token-file", token).returncode, "a certificate that nobody signed")
            self.assertEqual(1, work.command("status", "--admin", url, "--ca-certificate", certificate).returncode, "no token")
            daemon.terminate(expect=0)
            self.assertNotIn(TOKEN, daemon.log())

    def test_slow_clients_keep_nobody_out(self):
        with Workspace() as work:
            work.write("p.yaml", ORDERS % (100000, 100))
            daemon = work.start("p.yaml")
            with admin.SlowClients(daemon.port(), 200):
                for _ in range(20):
                    began = time.monotonic()
                    self.assertEqual(200, daemon.get("/healthz")[0])
                    self.assertLess(time.monotonic() - began, 4, "less than the 5 s that a slow client has")
            daemon.terminate(expect=0)


class Control(unittest.TestCase):
    def test_pause_holds_over_a_kill_and_resume_goes_on(self):
        with Workspace() as work:
            work.write("p.yaml", ORDERS % (8000, 2000))
            daemon = work.start("p.yaml")
            url = ("--admin", f"http://127.0.0.1:{daemon.port()}")
            testing.wait_for(lambda: len(ids(work)) > 100, 30, "rows")
            unasked = work.command("pause", "orders", *url)
            self.assertEqual(1, unasked.returncode, "nobody said yes")
            self.assertIn("stays paused", unasked.stderr)
            self.assertNotEqual("paused", daemon.pipeline("orders")["state"])
            paused = work.command("pause", "orders", "--yes", *url)
            self.assertEqual(0, paused.returncode, paused.stderr)
            self.assertEqual("orders is paused\n", paused.stdout)
            self.assertEqual(200, daemon.get("/healthz")[0], "paused on purpose is healthy")
            self.assertRegex(daemon.log(), r"admin change peer=127\.0\.0\.1:\d+ token=none method=POST path=/api/v1/pipelines/orders/pause status=202")
            held = ids(work)
            daemon.kill()
            daemon = work.launch("p.yaml")
            admin.until_state(daemon, "orders", "paused")
            self.assertIn("sluice resume", daemon.log())
            self.assertEqual(held, ids(work))
            self.assertNotEqual({}, daemon.pipeline("orders")["sources"][0]["position"])
            url = ("--admin", f"http://127.0.0.1:{daemon.port()}")
            self.assertEqual(0, work.command("resume", "orders", "--yes", *url).returncode)
            restarted = work.command("restart", "orders", "--yes", "--json", *url)
            self.assertEqual(0, restarted.returncode, restarted.stderr)
            self.assertEqual(1, json.loads(restarted.stdout)["restarts"])
            admin.until_state(daemon, "orders", "stopped")
            self.assertEqual(list(range(2, 8001, 2)), ids(work))
            for lane in daemon.books("orders").values():
                self.assertEqual(0, balance(lane))
            daemon.terminate(expect=0)

    def test_exit_codes_of_the_client(self):
        with Workspace() as work:
            work.write("p.yaml", ORDERS % (100000, 100))
            daemon = work.start("p.yaml")
            url = ("--admin", f"http://127.0.0.1:{daemon.port()}")
            self.assertEqual(0, work.command("status", "orders", "--json", *url).returncode)
            unknown = work.command("pause", "none", "--yes", *url)
            self.assertEqual(1, unknown.returncode)
            self.assertIn("unknown_pipeline", unknown.stderr)
            self.assertEqual(64, work.command("pause", *url).returncode)
            self.assertEqual(64, work.command("status", "--admin", "127.0.0.1").returncode)
            refused = work.command("positions", "reset", "orders", "--all", "--yes", *url)
            self.assertEqual(1, refused.returncode)
            self.assertIn("not_paused", refused.stderr)
            offline = work.command("positions", "reset", "orders", "--all", "--yes", "--data-dir", work.data, "--config", "p.yaml")
            self.assertEqual(3, offline.returncode, "a daemon holds the directory (G30)")
            daemon.terminate(expect=0)
            self.assertEqual(3, work.command("status", *url).returncode)

    def test_positions_and_resync_in_the_daemon(self):
        with Workspace() as work:
            work.write("p.yaml", ORDERS % (1000, 100000))
            daemon = work.start("p.yaml")
            url = ("--admin", f"http://127.0.0.1:{daemon.port()}")
            admin.until_state(daemon, "orders", "stopped")
            self.assertEqual(0, work.command("pause", "orders", "--yes", *url).returncode)
            shown = json.loads(work.command("positions", "show", "orders", "--json", *url).stdout)
            positions = shown["sinks"][0]["positions"]
            key = next(iter(positions))
            resync = work.command("resync", "orders", "--yes", *url)
            self.assertEqual(0, resync.returncode, resync.stderr)
            self.assertIn("Empty the targets first", resync.stderr)
            self.assertEqual([], json.loads(work.command("positions", "show", "orders", "--json", *url).stdout)["sinks"])
            self.assertEqual([], outputs.rows(work.path / "out.db", "select * from _sluice_progress"))
            self.assertEqual(0, work.command("resume", "orders", "--yes", *url).returncode)
            admin.until_state(daemon, "orders", "stopped")
            self.assertEqual(2 * list(range(2, 1001, 2)), ids(work), "from the beginning, and what was there stays")
            self.assertEqual(0, work.command("pause", "orders", "--yes", *url).returncode)
            work.write("positions.json", json.dumps(shown))
            back = work.command("positions", "set", "orders", "--from", "positions.json", "--yes", *url)
            self.assertEqual(0, back.returncode, back.stderr)
            unknown = work.command("positions", "reset", "orders", "nobody/x", "--yes", *url)
            self.assertEqual((1, True), (unknown.returncode, "unknown_source" in unknown.stderr))
            self.assertIn(key, work.command("positions", "show", "orders", *url).stdout)
            daemon.terminate(expect=0)

    def test_positions_and_resync_without_a_daemon(self):
        with Workspace() as work:
            work.write("p.yaml", ORDERS % (1000, 100000))
            work.run_to_end("p.yaml")
            here = ("--data-dir", work.data, "--config", "p.yaml", "--yes")
            shown = work.command("positions", "show", "orders", "--data-dir", work.data)
            self.assertEqual(0, shown.returncode, shown.stderr)
            self.assertIn("sink sqlite", shown.stdout)
            self.assertEqual(64, work.command("resync", "orders", "--data-dir", work.data, "--yes").returncode, "no --config")
            self.assertEqual(1, work.command("resync", "none", *here).returncode)
            done = work.command("resync", "orders", *here)
            self.assertEqual(0, done.returncode, done.stderr)
            work.run_to_end("p.yaml")
            self.assertEqual(2 * list(range(2, 1001, 2)), ids(work))

    def test_tap_shows_records_before_and_after_a_step_and_ends(self):
        with Workspace() as work:
            work.write("p.yaml", ORDERS % (100000, 500))
            daemon = work.start("p.yaml")
            url = ("--admin", f"http://127.0.0.1:{daemon.port()}")

            def seen(*arguments):
                done = work.command("tap", *arguments, *url)
                self.assertEqual(0, done.returncode, done.stderr)
                return [json.loads(line) for line in done.stdout.splitlines()]

            before = seen("orders.big", "--side", "before", "--limit", "20")
            self.assertEqual(20, len(before))
            self.assertTrue(any(int(line["record"]["after"]["id"]) % 2 for line in before))
            after = seen("orders.big", "--limit", "20")
            self.assertEqual({0}, {int(line["record"]["after"]["id"]) % 2 for line in after})
            filtered = seen("orders", "--limit", "5", "--filter", "this.id % 10 == 3")
            self.assertEqual({3}, {int(line["record"]["after"]["id"]) % 10 for line in filtered})
            self.assertEqual({"generator"}, {line["at"] for line in filtered})
            self.assertEqual(3, len(seen("orders.sqlite", "--limit", "3")))
            for arguments, code in ((("orders.none",), "unknown_step"), (("none",), "unknown_pipeline"),
                                    (("orders", "--filter", "this.id +"), "expression_syntax")):
                refused = work.command("tap", *arguments, *url)
                self.assertEqual((1, True), (refused.returncode, code in refused.stderr), refused.stderr)
            daemon.terminate(expect=0)


if __name__ == "__main__":
    testing.main()
