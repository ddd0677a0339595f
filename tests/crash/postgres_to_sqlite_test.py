"""PostgreSQL under write load into SQLite, with kill -9 of the daemon and killed walsenders.

Table and copy are equal, an append-mode sink shows each change once and in order, the lake too: G1, G3, G5, G8, G16, G17, G22, G23.
"""

import pathlib
import random
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import outputs, testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402
from support.postgres import Postgres  # noqa: E402

TABLES = """
create table items (id bigint primary key, name text, total numeric(12,2), note text, active boolean, changed timestamptz);
create table ops (op bigint primary key, writer int not null, what text not null);
alter table items alter column note set storage external;
"""
PIPELINE = """
name: shop
source:
  postgres_cdc: {url: "%s", tables: [public.items, public.ops], snapshot: never, heartbeat: 1s}
transforms:
  - filter: this.active                # a delete carries only its key and passes; it finds nothing to delete where the row was left out
    when: meta.table == "items"
  - set:
      seen: "'yes'"
    when: meta.table == "items"
sinks:
  copy:
    when: meta.table == "items"
    sqlite: {path: copy.db, table: items, mode: upsert}
  history:
    when: meta.table == "ops"
    sqlite: {path: history.db, table: changes, mode: append}
  lake:
    when: meta.table == "ops"
    file: {path: lake/, format: json, rotate: {size: 64KiB}}
unmatched: drop
checkpoint: {every: 30ms, records: 200}
retry: {initial: 20ms, max: 200ms}
"""
LARGE = "x" * 3000  # stored out of line: an update of another column leaves it out of the log (G16)
KILL_WALSENDERS = "select pg_terminate_backend(active_pid) from pg_replication_slots where active;"


class Writer(threading.Thread):
    """Small and larger transactions, roll-backs, changes of keys; each transaction also inserts its numbered ops."""

    def __init__(self, url_session, number, seed):
        super().__init__(daemon=True)
        self.session, self.number, self.chance = url_session, number, random.Random(seed)
        self.stop = threading.Event()
        self.ids = []
        self.next_id = 1 + number * 10_000_000
        self.ops = number * 10_000_000
        self.transactions = 0
        self.error = None

    def run(self):
        try:
            while not self.stop.is_set():
                self.transaction()
        except Exception as error:  # noqa: BLE001 - shown by the test
            self.error = error
        finally:
            self.session.close()

    def transaction(self):
        statements, ids = ["begin;"], list(self.ids)
        for _ in range(self.chance.choice((1, 1, 2, 5, 40))):
            statements.append(self.change(ids))
            self.ops += 1
            statements.append(f"insert into ops values ({self.ops}, {self.number}, 'transaction {self.transactions}');")
        if self.chance.random() < 0.1:
            statements.append(f"savepoint s; update items set name = 'never' where id / 10000000 = {self.number}; rollback to s;")
        if self.chance.random() < 0.1:
            statements.append("rollback;")
        else:
            statements.append("commit;")
            self.ids = ids
        self.session.execute("\n".join(statements))
        self.transactions += 1

    def change(self, ids):
        kind = self.chance.random()
        if kind < 0.5 or not ids:
            self.next_id += 1
            ids.append(self.next_id)
            note = f"'{LARGE}{self.next_id}'" if self.chance.random() < 0.3 else "null"
            return f"insert into items values ({self.next_id}, 'n{self.next_id}', {self.next_id}.25, {note}, {self.next_id % 7 != 0}, now());"
        index = self.chance.randrange(len(ids))
        if kind < 0.75:
            return f"update items set name = 'u{self.ops}', total = total + 0.01, changed = now() where id = {ids[index]};"
        if kind < 0.85:
            self.next_id += 1
            old, ids[index] = ids[index], self.next_id
            return f"update items set id = {self.next_id} where id = {old};"  # G17
        old = ids.pop(index)
        return f"delete from items where id = {old};"


class UnderWriteLoad(unittest.TestCase):
    def test_kill_minus_nine_and_killed_walsenders(self):
        seed = testing.seed()
        print(f"seed {seed}")
        chance = random.Random(seed)
        with Postgres() as server, Workspace() as work:
            self.prepare(server, work)
            writers = self.write_load(server, seed)
            killed = walsenders = 0
            while killed < testing.kills():
                daemon = work.launch("p.yaml")
                if chance.random() < 0.7:
                    daemon.wait_ready()
                deadline = time.monotonic() + chance.uniform(0, 0.5)
                while time.monotonic() < deadline:
                    if chance.random() < 0.1:
                        walsenders += len(server.sql(KILL_WALSENDERS))
                    time.sleep(0.02)
                self.assertIsNone(daemon.poll(), daemon.log_tail())
                daemon.kill()
                killed += 1
            self.finish(server, work, writers)
            print(f"{killed} kills, {walsenders} walsenders killed, {sum(writer.transactions for writer in writers)} transactions")
            self.assertGreater(walsenders, 0)

    def test_at_fault_points(self):
        """SIGKILL at durable steps of source, sinks and store while the log grows."""
        with Postgres() as server, Workspace() as work:
            self.prepare(server, work)
            writers = self.write_load(server, testing.seed())
            points, died = self.points_under_load(work), set()
            for point in points:
                for passage in (1, 3):
                    daemon = work.launch("p.yaml", fault_point=f"{point}:{passage}")
                    deadline = time.monotonic() + 3  # a point of the very first start, or of a stop, is not passed again
                    while daemon.poll() is None and time.monotonic() < deadline:
                        time.sleep(0.01)
                    if daemon.poll() is None:
                        daemon.kill()
                        break
                    self.assertEqual(-9, daemon.returncode, daemon.log_tail())
                    died.add(point)
            self.finish(server, work, writers)
            print(f"died at {len(died)} of {len(points)} points: {sorted(died)}")
            for who in ("sqlite_sink", "file_sink"):
                self.assertTrue(any(point.startswith(who) for point in died), f"no point of {who} was passed")

    def points_under_load(self, work):
        environment, passed = work.traced()
        daemon = work.start("p.yaml", environment=environment)
        testing.wait_for(lambda: all(lane["out"] > 2000 for lane in daemon.books("shop").values()), 60, "some commits and rotations")
        daemon.kill()
        return sorted(passed())

    # ---- steps -----------------------------------------------------------------------------------------------------
    def prepare(self, server, work):
        server.sql(TABLES)
        work.write("p.yaml", PIPELINE % server.url)
        daemon = work.start("p.yaml")  # makes publication and slot; the load begins after it (no snapshot)
        testing.wait_for(lambda: server.sql("select 1 from pg_replication_slots where confirmed_flush_lsn is not null"), 20, "the slot")
        daemon.kill()

    def write_load(self, server, seed):
        writers = [Writer(server.session(), number, seed + number) for number in range(2)]
        for writer in writers:
            writer.start()
        return writers

    def finish(self, server, work, writers):
        for writer in writers:
            writer.stop.set()
        for writer in writers:
            writer.join(60)
            self.assertIsNone(writer.error)
        ops = [(int(op), int(writer)) for op, writer in server.sql("select op, writer from ops order by op")]
        daemon = work.start("p.yaml")
        history = "select op, writer from changes order by rowid"
        testing.wait_for(lambda: len(outputs.rows(work.path / "history.db", history)) >= len(ops), 120, f"{len(ops)} changes in the history\n")
        truth = [tuple(row) for row in server.sql("""select id, name, total, coalesce(note, ''), active::int,
            to_char(changed at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') from items where active order by id""")]
        copy = """select cast(id as text), name, total, coalesce(note, ''), cast(active as text), changed from items order by id"""
        self.settle(lambda: outputs.rows(work.path / "copy.db", copy), truth)
        self.check_slot(server)
        daemon.terminate()
        self.check_ops("append sink", outputs.rows(work.path / "history.db", history), ops)
        self.check_ops("lake", [(record["op"], record["writer"]) for record in outputs.lake_records(work.path / "lake")], ops)
        self.assertEqual([("yes",)], outputs.rows(work.path / "copy.db", "select distinct seen from items"))

    def settle(self, look, truth):
        """Waits until the copy equals the table."""
        try:
            testing.wait_for(lambda: look() == truth, 60, "the copy to equal the table")
        except AssertionError:
            copy = look()
            wrong = [pair for pair in zip(copy, truth) if pair[0] != pair[1]][:3]
            raise AssertionError(f"table {len(truth)} rows, copy {len(copy)} rows; first differences (copy, table): "
                                 f"{[tuple(str(row)[:300] for row in pair) for pair in wrong]}") from None

    def check_slot(self, server):
        """G8: once everything is committed the idle slot is confirmed up to the end of the log, a heartbeat's way behind at most."""
        lag = "select coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn), 1e12) < 65536 from pg_replication_slots"
        testing.wait_for(lambda: server.sql(lag) == [["t"]], 20, "the slot to follow an idle database")

    def check_ops(self, where, seen, ops):
        outputs.check_exactly_once(sorted(seen), sorted(ops), where)
        for writer in {writer for _, writer in ops}:
            order = [op for op, who in seen if who == writer]
            outputs.check_exactly_once(order, sorted(order), f"{where}, order of writer {writer}")


if __name__ == "__main__":
    testing.main()
