"""Dead letters from end to end: every stage that can refuse a record does (G19); list, show, replay, discard, dry run; budget, limits, copy.

G18-G21.
"""

import base64
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import outputs, testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402

ORDERS = """
name: orders
source:
  file: {paths: [orders.jsonl], format: json, mode: once}
transforms:
  - name: convert
    set:
      total: %(total)s
sink:
  sqlite: {path: out.db, table: orders%(sink)s}
%(more)s"""
BROKEN = {"total": "double(this.total)", "sink": "", "more": ""}
MENDED = {"total": "'this.total == \"n/a\" ? 0.0 : double(this.total)'", "sink": "", "more": ""}


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


class DeadLetters(unittest.TestCase):
    maxDiff = None

    def dlq(self, work, *arguments, expect=0):
        done = work.command("dlq", *arguments, "--data-dir", work.data)
        self.assertEqual(expect, done.returncode, done.stderr + done.stdout)
        return done

    def letters(self, work, pipeline, *arguments):
        return lines(self.dlq(work, "list", pipeline, "--json", *arguments).stdout)

    def orders(self, work, records, **settings):
        work.write("orders.jsonl", "".join(json.dumps(record) + "\n" for record in records))
        work.write("broken.yaml", ORDERS % {**BROKEN, **settings})
        work.write("mended.yaml", ORDERS % {**MENDED, **settings})

    # ---- one test per stage: code and original ---------------------------------------------------------------------
    def one_letter(self, work, text):
        work.write("p.yaml", text)
        work.run_to_end("p.yaml")
        letter, = self.letters(work, "p")
        shown, = lines(self.dlq(work, "show", "p", letter["id"], "--json").stdout)
        self.assertEqual("open", shown["state"])
        return shown

    def test_parse(self):
        with Workspace() as work:
            work.write("in.jsonl", '{"id": 1}\n{"id": 2, \n')
            letter = self.one_letter(work, "name: p\nsource: {file: {paths: [in.jsonl], format: json, mode: once}}\nsink: {discard: {}}\n")
            self.assertEqual(("file", "parse", "file", "json_syntax"), tuple(letter[k] for k in ("stage", "phase", "component", "code")))
            self.assertEqual(b'{"id": 2, ', base64.b64decode(letter["raw_base64"]))
            self.assertNotIn("record", letter)

    def test_parse_bytes_that_are_no_text(self):
        with Workspace() as work:
            (work.path / "in.txt").write_bytes(b"good\nba\xff\x00d\n")
            letter = self.one_letter(work, "name: p\nsource: {file: {paths: [in.txt], format: lines, mode: once}}\nsink: {discard: {}}\n")
            self.assertEqual("invalid_utf8", letter["code"])
            self.assertEqual(b"ba\xff\x00d", base64.b64decode(letter["raw_base64"]))

    def test_transform(self):
        with Workspace() as work:
            self.orders(work, [{"id": 1, "total": "n/a"}, {"id": 2, "total": "5"}])
            work.run_to_end("broken.yaml")
            letter, = self.letters(work, "orders")
            shown, = lines(self.dlq(work, "show", "orders", letter["id"], "--json").stdout)
            self.assertEqual(("convert", "transform", "set"), tuple(shown[k] for k in ("stage", "phase", "component")))
            self.assertEqual({"id": 1, "total": "n/a"}, shown["record"]["after"], "as it was on entry")
            self.assertEqual({"id": 1, "total": "n/a"}, json.loads(base64.b64decode(shown["raw_base64"])))

    def test_template(self):
        with Workspace() as work:
            work.write("in.jsonl", '{"id": 1, "kind": "a"}\n{"id": 2}\n')
            letter = self.one_letter(work, "name: p\nsource: {file: {paths: [in.jsonl], format: json, mode: once}}\n"
                                           'sink: {sqlite: {path: out.db, table: "t_${this.kind}"}}\n')
            self.assertEqual(("sqlite", "template", "template_missing"), tuple(letter[k] for k in ("stage", "phase", "code")))
            self.assertEqual({"id": 2}, letter["record"]["after"])

    def test_sink_verdict(self):
        with Workspace() as work:
            import sqlite3
            connection = sqlite3.connect(work.path / "out.db")
            connection.execute("create table t (id integer check (id < 2), _op text, _id text, _unchanged text)")
            connection.commit()
            connection.close()
            work.write("in.jsonl", '{"id": 1}\n{"id": 2}\n')
            letter = self.one_letter(work, "name: p\nsource: {file: {paths: [in.jsonl], format: json, mode: once}}\n"
                                           "sink: {sqlite: {path: out.db, table: t}}\n")
            self.assertEqual(("sqlite", "write", "constraint_violation"), tuple(letter[k] for k in ("stage", "phase", "code")))
            self.assertEqual({"id": 2}, letter["record"]["after"])

    # ---- find, mend, replay ----------------------------------------------------------------------------------------
    def test_three_commands(self):
        with Workspace() as work:
            self.orders(work, [{"id": n, "total": "n/a" if n % 4 == 0 else str(n)} for n in range(20)])
            work.run_to_end("broken.yaml")
            group, = lines(self.dlq(work, "list", "orders", "--group-by", "stage,code", "--json").stdout)
            self.assertEqual(("convert", 5, 5), (group["stage"], group["count"], group["open"]))
            tried = lines(self.dlq(work, "replay", "orders", "--stage", "convert", "--dry-run", "--config", "mended.yaml", "--json").stdout)
            self.assertEqual([0, 4, 8, 12, 16], [row["record"]["after"]["id"] for row in tried])
            self.assertEqual({0.0}, {row["record"]["after"]["total"] for row in tried})
            self.assertEqual(15, len(outputs.rows(work.path / "out.db", "select id from orders")), "a dry run sends nothing")
            self.assertEqual({"open"}, {letter["state"] for letter in self.letters(work, "orders")})
            done = self.dlq(work, "replay", "orders", "--stage", "convert", "--yes", "--config", "mended.yaml")
            self.assertEqual("5 replayed\n", done.stdout)
            self.assertEqual(list(range(20)), sorted(row[0] for row in outputs.rows(work.path / "out.db", "select id from orders")))
            self.assertEqual({"replayed"}, {letter["state"] for letter in self.letters(work, "orders")})

    def test_refused_again(self):
        with Workspace() as work:
            self.orders(work, [{"id": 1, "total": "n/a"}])
            work.run_to_end("broken.yaml")
            tried = self.dlq(work, "replay", "orders", "--all", "--dry-run", "--config", "broken.yaml", "--json")
            self.assertEqual("convert", lines(tried.stdout)[0]["refused_by"])
            self.assertEqual(1, self.letters(work, "orders")[0]["attempts"])
            self.dlq(work, "replay", "orders", "--all", "--yes", "--config", "broken.yaml", expect=4)
            letter, = self.letters(work, "orders")
            self.assertEqual(("open", 2), (letter["state"], letter["attempts"]))
            self.dlq(work, "replay", "orders", "--all", "--yes", "--config", "mended.yaml")
            self.assertEqual([(1, 0.0)], outputs.rows(work.path / "out.db", "select id, total from orders"))

    def test_from_start_takes_the_sources_row(self):
        pipeline = """
name: p
source: {file: {paths: [in.jsonl], format: json, mode: once}}
transforms:
  - name: first
    set: {a: "%s"}
  - name: second
    set: {b: "%s"}
sink: {sqlite: {path: out.db, table: t}}
"""
        with Workspace() as work:
            work.write("in.jsonl", '{"id": 1, "a": "x"}\n')
            work.write("p.yaml", pipeline % ("this.a + '1'", "int(this.a)"))
            work.run_to_end("p.yaml")
            work.write("mended.yaml", pipeline % ("this.a + '2'", "this.a"))
            self.dlq(work, "replay", "p", "--all", "--from", "start", "--yes", "--config", "mended.yaml")
            self.assertEqual([("x2", "x2")], outputs.rows(work.path / "out.db", "select a, b from t"))

    def test_original_bytes_are_read_again(self):
        with Workspace() as work:
            text = "name: p\nsource: {file: {paths: [in.txt], format: %s, mode: once}}\nsink: {sqlite: {path: out.db, table: t}}\n"
            work.write("in.txt", "no json\n")
            work.write("p.yaml", text % "json")
            work.run_to_end("p.yaml")
            work.write("mended.yaml", text % "lines")
            self.dlq(work, "replay", "p", "--all", "--yes", "--config", "mended.yaml")
            self.assertEqual([("no json",)], outputs.rows(work.path / "out.db", "select line from t"))

    def test_a_stage_that_is_gone(self):
        with Workspace() as work:
            self.orders(work, [{"id": 1, "total": "n/a"}])
            work.run_to_end("broken.yaml")
            work.write("renamed.yaml", (ORDERS % MENDED).replace("name: convert", "name: renamed"))
            self.dlq(work, "replay", "orders", "--all", "--yes", "--config", "renamed.yaml", expect=4)
            letter, = self.letters(work, "orders")
            self.assertEqual(("open", 1), (letter["state"], letter["attempts"]))
            self.assertIn("unknown_stage", letter["note"])
            self.dlq(work, "replay", "orders", "--all", "--from", "start", "--yes", "--config", "renamed.yaml")
            self.assertEqual([(1,)], outputs.rows(work.path / "out.db", "select id from orders"))

    def test_discard(self):
        with Workspace() as work:
            self.orders(work, [{"id": n, "total": "n/a"} for n in range(3)])
            work.run_to_end("broken.yaml")
            self.dlq(work, "discard", "orders", expect=64)
            self.dlq(work, "discard", "orders", "--all", expect=1)  # nobody answers the question
            self.assertEqual({"open"}, {letter["state"] for letter in self.letters(work, "orders")})
            self.dlq(work, "discard", "orders", "--id", "2", "--yes")
            self.assertEqual(["open", "discarded", "open"], [letter["state"] for letter in self.letters(work, "orders")])
            self.assertEqual(2, len(self.letters(work, "orders", "--state", "open")))
            self.dlq(work, "replay", "orders", "--all", "--yes", "--config", "mended.yaml")
            self.assertEqual([(0,), (2,)], outputs.rows(work.path / "out.db", "select id from orders order by id"))

    def test_a_record_that_passes_after_a_crash_is_no_letter(self):
        """The letter was stored, the sink had not committed; then the file was mended: the record came through by itself (G20)."""
        with Workspace() as work:
            self.orders(work, [{"id": 1, "total": "n/a"}, {"id": 2, "total": "2"}])
            work.launch("broken.yaml", arguments=("--until-done",), fault_point="lane.before_commit:1").wait_exit(-9)
            self.assertEqual("pending", self.letters(work, "orders")[0]["state"])
            work.run_to_end("mended.yaml")
            self.assertEqual("replayed", self.letters(work, "orders")[0]["state"])
            self.dlq(work, "replay", "orders", "--all", "--yes", "--config", "mended.yaml")
            self.assertEqual([(1,), (2,)], outputs.rows(work.path / "out.db", "select id from orders order by id"))

    LAGGING = """
name: p
source: {file: {paths: [in.jsonl], format: json, mode: %(mode)s}}
transforms:
  - name: convert
    set: {total: "%(convert)s"}
sinks:
  quick:
    sqlite: {path: quick.db, table: t}
    checkpoint: {every: 10ms}
    transforms: [{name: check, set: {checked: "%(check)s"}}]
  slow:
    sqlite: {path: slow.db, table: t}
    checkpoint: {every: 1h}
"""

    def lagging(self, work, broken, mended):
        """A crash when the lane `quick` has passed all and `slow` nothing; then a mended file."""
        good = {"mode": "follow", "convert": "this.total", "check": "1"}
        work.write("in.jsonl", '{"id": 1, "total": "n/a"}\n{"id": 2, "total": "2"}\n')
        work.write("p.yaml", self.LAGGING % {**good, **broken})
        daemon = work.start("p.yaml")
        testing.wait_for(lambda: outputs.rows(work.path / "quick.db", "select id from t where id = 2"), 30, "the good record")
        daemon.kill()
        work.write("mended.yaml", self.LAGGING % {**good, **mended})
        self.assertEqual(["pending"], [letter["state"] for letter in self.letters(work, "p")])
        done = self.dlq(work, "replay", "p", "--all", "--yes", "--config", "mended.yaml", "--json")
        self.assertEqual((0, 1), (json.loads(done.stdout)["accepted"], json.loads(done.stdout)["not_yet"]), "not before its time")
        self.assertEqual([], outputs.rows(work.path / "slow.db", "select id from t"))
        daemon = work.start("mended.yaml")
        testing.wait_for(lambda: daemon.books("p")["slow"]["in"] == 2, 30, "the records again")
        daemon.terminate()
        self.assertEqual(["open"], [letter["state"] for letter in self.letters(work, "p")])
        done = self.dlq(work, "replay", "p", "--all", "--yes", "--config", "mended.yaml")
        self.assertEqual("1 replayed\n", done.stdout)
        for database in ("quick.db", "slow.db"):
            self.assertEqual([(1,), (2,)], outputs.rows(work.path / database, "select id from t order by id"), database)

    def test_a_letter_of_a_lane_that_lags_waits(self):
        with Workspace() as work:
            self.lagging(work, {"check": "int(this.total)"}, {"check": "1"})

    def test_only_the_lane_that_lacks_a_record_gets_it(self):
        """Refused by the shared step; `slow` met the record again after the crash and the mend, `quick` had passed it."""
        with Workspace() as work:
            self.lagging(work, {"convert": "int(this.total)"}, {"convert": "this.total"})

    def upsert(self, work, records, more=""):
        self.orders(work, records, sink=", mode: upsert, key: [id]", more=more)
        work.run_to_end("broken.yaml")

    def totals(self, work):
        return outputs.rows(work.path / "out.db", "select id, total from orders order by id")

    def test_order_a_newer_row_is_not_overwritten(self):
        with Workspace() as work:
            self.upsert(work, [{"id": 1, "total": "n/a"}, {"id": 2, "total": "n/a"}, {"id": 1, "total": "7"}])
            self.dlq(work, "replay", "orders", "--all", "--yes", "--config", "mended.yaml", expect=4)
            self.assertEqual([(1, 7.0), (2, 0.0)], self.totals(work))
            letter, = self.letters(work, "orders", "--state", "open")
            self.assertEqual(("stale_letter", "sqlite", 2), (letter["code"], letter["stage"], letter["attempts"]))
            self.dlq(work, "replay", "orders", "--code", "stale_letter", "--yes", "--config", "mended.yaml", expect=4)
            self.dlq(work, "replay", "orders", "--code", "stale_letter", "--allow-stale", "--yes", "--config", "mended.yaml")
            self.assertEqual([(1, 0.0), (2, 0.0)], self.totals(work))

    def test_order_what_a_later_run_wrote_is_newer(self):
        with Workspace() as work:
            self.upsert(work, [{"id": 1, "total": "n/a"}])
            with open(work.path / "orders.jsonl", "a", encoding="ascii") as out:
                out.write('{"id": 1, "total": "7"}\n')
            work.run_to_end("broken.yaml")
            self.assertEqual([(1, 7.0)], self.totals(work))
            self.dlq(work, "replay", "orders", "--all", "--yes", "--config", "mended.yaml", expect=4)
            self.assertEqual([(1, 7.0)], self.totals(work))

    def test_order_two_letters_of_one_key_come_in_their_order(self):
        with Workspace() as work:
            self.upsert(work, [{"id": 1, "total": "n/a", "v": 1}, {"id": 1, "total": "n/a", "v": 2}])
            self.dlq(work, "replay", "orders", "--all", "--yes", "--config", "mended.yaml")
            self.assertEqual([(2,)], outputs.rows(work.path / "out.db", "select v from orders"))

    def test_order_the_newer_letter_was_first(self):
        with Workspace() as work:
            self.upsert(work, [{"id": 1, "total": "n/a", "v": 1}, {"id": 1, "total": "n/a", "v": 2}])
            newer = self.letters(work, "orders")[1]["id"]
            self.dlq(work, "replay", "orders", "--id", newer, "--yes", "--config", "mended.yaml")
            self.dlq(work, "replay", "orders", "--all", "--yes", "--config", "mended.yaml", expect=4)
            self.assertEqual([(2,)], outputs.rows(work.path / "out.db", "select v from orders"))

    # ---- dead_letters: ---------------------------------------------------------------------------------------------
    def test_budget(self):
        """G21: beyond it the pipeline stops as failed, the letters are there to be looked at, nothing is lost."""
        with Workspace() as work:
            records = [{"id": n, "total": "n/a" if n % 2 else str(n)} for n in range(5000)]
            self.orders(work, records, more="dead_letters: {budget: {share: 10%}}\n")
            daemon = work.run_to_end("broken.yaml", expect=1)
            self.assertIn("dead_letter_budget", daemon.log())
            self.assertTrue(self.letters(work, "orders"))
            work.run_to_end("mended.yaml")
            self.assertEqual(5000, len(outputs.rows(work.path / "out.db", "select distinct id from orders")))
            self.assertEqual(5000, len(outputs.rows(work.path / "out.db", "select id from orders")))
            self.assertEqual([], self.letters(work, "orders", "--state", "open"))

    def test_full_store(self):
        with Workspace() as work:
            records = [{"id": n, "total": "n/a" if n % 2 else str(n), "text": "x" * 500} for n in range(8000)]
            self.orders(work, records, more="dead_letters: {keep_bytes: 1MiB}\n")
            daemon = work.run_to_end("broken.yaml", expect=1)
            self.assertIn("dead_letters_full", daemon.log())
            work.write("mended.yaml", ORDERS % {**MENDED, "more": ""})
            work.run_to_end("mended.yaml")
            self.dlq(work, "replay", "orders", "--all", "--yes", "--config", "mended.yaml")
            self.assertEqual([(n,) for n in range(8000)], outputs.rows(work.path / "out.db", "select id from orders order by id"))

    def test_copy(self):
        with Workspace() as work:
            self.orders(work, [{"id": n, "total": "n/a"} for n in range(10)],
                        more="dead_letters: {copy_to: {sqlite: {path: copy.db, table: letters, mode: upsert}}}\n")
            work.run_to_end("broken.yaml")
            copies = outputs.rows(work.path / "copy.db", "select stage, code, json_extract(record, '$.after.id') from letters order by id")
            self.assertEqual([("convert", n) for n in range(10)], [(stage, n) for stage, _, n in copies])

    def test_a_copy_that_fails_holds_nothing_back(self):
        with Workspace() as work:
            (work.path / "blocked").write_text("no folder", "ascii")
            self.orders(work, [{"id": n, "total": "n/a" if n else "1"} for n in range(10)],
                        more="dead_letters: {copy_to: {file: {path: blocked/letters/, format: json}}}\n")
            daemon = work.run_to_end("broken.yaml")
            self.assertIn("dead_letters.copy_to", daemon.log())
            self.assertEqual(9, len(self.letters(work, "orders", "--state", "open")))
            (work.path / "blocked").unlink()
            work.run_to_end("broken.yaml")
            self.assertEqual(list(range(1, 10)), [copy["record"]["after"]["id"] if isinstance(copy["record"], dict) else json.loads(copy["record"])["after"]["id"]
                                                  for copy in outputs.lake_records(work.path / "blocked" / "letters")])

    def test_files_are_private(self):
        with Workspace() as work:
            self.orders(work, [{"id": 1, "total": "n/a"}])
            work.run_to_end("broken.yaml")
            for path in (work.data / "orders").glob("dead_letters.db*"):
                self.assertEqual(0o600, path.stat().st_mode & 0o777, path)


if __name__ == "__main__":
    testing.main()
