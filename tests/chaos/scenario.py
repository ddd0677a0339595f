"""One seed: a database of its own on a shared server, a write load, trouble, and the verdict."""

import dataclasses
import functools
import random
import re
import time

from chaos import values
from chaos.sinks import SINKS
from chaos.verdict import Verdict
from chaos.workload import BULK, KEYS, TABLES, WATCHED, Writer
from support.daemon import ROOT, Workspace, balance
from support.database import Database, Unreachable
from support.test_decoding import Decoded
from support.testing import wait_for

PIPELINE = """
name: %(name)s
source:
  postgres_cdc:
    url: "%(url)s"
    tables: [%(tables)s]
    %(snapshot)s
    heartbeat: 200ms
sinks:
%(sinks)s
checkpoint: {every: %(every)sms, records: %(records)s}
retry: {initial: 20ms, max: 200ms}
"""
SLOTS = "select active_pid from pg_replication_slots where active and slot_name like 'sluice_%'"
FIRST_START = ("slot_creation", "publication", "create_topic")  # fault points that are not passed again
ONCE_A_LIFE = ("init", "staging", "part_remove", "part_cut")
FINISHED = str(2**64 - 1)
SETTLE = 60  # seconds for what is left once the writers have ended


@dataclasses.dataclass
class Options:
    sinks: tuple = ("file", "sqlite")
    snapshot: str = "never"
    transactions: int = 60  # of each writer
    writers: int = 3
    pause: float = 0.03  # seconds between two of them, on average
    verbose: bool = False


@dataclasses.dataclass
class Tally:
    """What a run was put through."""

    kills: int = 0
    fault_points: int = 0
    walsenders: int = 0
    server_restarts: int = 0
    broker_restarts: int = 0
    transactions: int = 0
    rows: int = 0
    records: int = 0

    def add(self, other):
        for field in dataclasses.fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    def __str__(self):
        return ", ".join(f"{getattr(self, field.name)} {field.name.replace('_', ' ')}" for field in dataclasses.fields(self))


class Scenario:
    """run() plays it; AssertionError when something is lost, doubled, out of order or wrong."""

    def __init__(self, seed, services, options):
        self.seed, self.services, self.options = seed, services, options
        self.chance = random.Random(f"trouble/{seed}")
        self.name = f"chaos{seed % 10**9}"
        self.server = services.postgres
        self.admin = Database(self.server.url)
        self.database = Database(re.sub(r"/postgres$", f"/{self.name}", self.server.url))
        self.tally = Tally()
        self.daemon = self.doomed = None
        self.notes = []
        self.began = time.monotonic()

    def note(self, text):
        self.notes.append(f"{time.monotonic() - self.began:7.3f} s  {text}")

    # ---- the whole -------------------------------------------------------------------------------------------------
    def run(self):
        with Workspace() as self.work:
            self.sinks = {kind: SINKS[kind](self) for kind in self.options.sinks}
            try:
                self.prepare()
                self.under_load()
                self.settle()
                self.judge()
            except Exception as error:
                raise AssertionError(f"seed {self.seed}: {error}\n{self.story()}") from error
            finally:
                self.clean()
        return self.tally

    def story(self):
        logs = sorted(self.work.path.glob("daemon-*.log"), key=lambda path: path.stat().st_mtime)
        tails = "".join(f"--- {path.name}\n{path.read_text('utf-8', 'replace')[-3000:]}\n" for path in logs[-2:])
        return "\n".join(self.notes) + "\n" + tails + self.letters()[:3000]

    def letters(self):
        """The dead letters, one JSON object a line; only while no daemon holds the data directory."""
        if self.daemon:
            self.daemon.kill()
        done = self.work.command("dlq", "list", self.name, "--data-dir", self.work.data, "--json")
        return done.stdout if done.returncode == 0 else f"exit {done.returncode}: {done.stderr}"

    def prepare(self):
        self.admin.run(f"create database {self.name};")
        self.database.run(TABLES)
        self.oracle = Decoded(self.database.query, f"oracle_{self.name}")
        if self.options.snapshot != "never":
            self.fill()
        self.work.write("p.yaml", self.config())
        if self.options.snapshot == "never":  # what is written before the slot is there is not asked for
            self.daemon = self.work.launch("p.yaml")
            slot = f"select 1 from pg_replication_slots where slot_name = 'sluice_{self.name}' and confirmed_flush_lsn is not null"
            wait_for(lambda: self.admin.query(slot), 30, "the slot")

    def fill(self):
        rows = self.chance.choice((50, 3_000, 20_000))
        self.note(f"{rows} items before the snapshot")
        self.database.run(f"""insert into items (id, name, total, note) select i, 'first ' || i, i / 4.0, case when i % 50 = 0 then repeat('n', 5000) end
                              from generate_series({BULK // 10}, {BULK // 10 + rows}) i;
                              insert into items (id, name) select i, 'small ' || i from generate_series(1, 40) i;
                              insert into journal (writer, what) select 9, 'before' from generate_series(1, {rows // 3});
                              insert into accounts (region, number, balance) select 'eu', i, i from generate_series(1, 9) i;""")

    def config(self):
        sinks = "\n".join(f"  {sink.name}:\n    {sink.config(self.chance)}" for sink in self.sinks.values())
        return PIPELINE % {"name": self.name, "url": self.database.url, "tables": ", ".join(f"public.{table}" for table in WATCHED),
                           "snapshot": self.snapshot(), "sinks": sinks, "every": self.chance.choice((10, 50, 200)),
                           "records": self.chance.choice((10, 200, 5_000))}

    def snapshot(self):
        if self.options.snapshot == "never":
            return "snapshot: never"
        chosen = {"snapshot": self.options.snapshot, "snapshot_method": self.chance.choice(("keys", "keys", "blocks")),
                  "snapshot_workers": self.chance.choice((1, 2, 3)), "snapshot_chunk_rows": self.chance.choice((50, 300, 2_000))}
        return "\n    ".join(f"{name}: {value}" for name, value in chosen.items())

    def under_load(self):
        count = self.options.writers
        huge = self.chance.random() < 0.03  # one transaction of 100,000 rows, rarely
        writers = [Writer(self.database.url, self.seed, number, self.options.transactions, self.options.pause, 0.02 if huge and number == 0 else 0.0)
                   for number in range(count)]
        for writer in writers:
            writer.start()
        try:
            while any(writer.is_alive() for writer in writers):
                self.live_and_die(writers)
        finally:
            for writer in writers:
                writer.stop.set()
            for writer in writers:
                writer.join(90)
        for writer in writers:
            if writer.error:
                raise AssertionError(f"writer {writer.number}: {writer.error}") from writer.error
            self.tally.transactions += writer.played
        self.note(f"writers ended; {sum(w.failed for w in writers)} transactions were refused, {sum(w.lost_sessions for w in writers)} broken off")

    # ---- trouble ---------------------------------------------------------------------------------------------------
    def launch(self):
        self.doomed = None
        if self.chance.random() < 0.35:
            point = self.chance.choice(self.fault_points())
            passage = 1 if any(word in point for word in ONCE_A_LIFE) else self.chance.choice((1, 1, 2, 3, 5, 8, 13))
            self.doomed = f"{point}:{passage}"
        self.daemon = self.work.launch("p.yaml", fault_point=self.doomed)
        self.note(f"start{f', to die at {self.doomed}' if self.doomed else ''}")

    def fault_points(self):
        kinds = [f"{kind.replace('debezium', 'kafka')}_sink" for kind in self.sinks] + ["postgres_cdc", "lane"]
        return [point for point in known_fault_points() if point.split(".")[0] in kinds and not any(word in point for word in FIRST_START)]

    def live_and_die(self, writers):
        """One life of the daemon and what befalls it meanwhile."""
        if not self.alive():
            self.launch()
        life = self.chance.choice((0.1, 0.5, 1.0, 2.0)) * self.chance.uniform(0.3, 1.7)
        until = time.monotonic() + max(life, 2.0 if self.doomed else 0.0)
        while time.monotonic() < until and any(writer.is_alive() for writer in writers) and self.alive():
            self.trouble()
            time.sleep(0.02)
        if not self.alive():
            return
        kind = self.chance.random()
        if kind < 0.8:
            self.note("kill -9")
            self.daemon.kill()
            self.daemon = None
            self.tally.kills += 1
        elif kind < 0.9:
            self.note("graceful stop")
            self.daemon.terminate(expect=None)
            self.alive()

    def alive(self):
        """False after a death that was asked for; any other is an error."""
        if self.daemon is None:
            return False
        ended = self.daemon.poll()
        if ended is None:
            return True
        # Asked to stop before it had taken over its signals, it dies of the signal, having done nothing.
        too_early = ended == -15 and "listening" not in self.daemon.log()
        if ended not in (-9, 0) and not too_early:
            raise AssertionError(f"the daemon ended with {ended}")
        if ended == -9:
            self.note("died at its fault point")
            self.tally.fault_points += 1
        self.daemon = None
        return False

    def trouble(self):
        kind = self.chance.random()
        if kind < 0.025:
            self.kill_walsenders()
        elif kind < 0.033:
            mode = self.chance.choice(("immediate", "fast"))
            self.note(f"server restart, {mode}")
            self.services.restart_postgres(mode)
            self.tally.server_restarts += 1
        elif kind < 0.036 and self.services.kafka:
            mode = self.chance.choice(("kill", "kill", "stop"))
            self.note(f"broker restart, {mode}")
            self.services.restart_broker(mode)
            self.tally.broker_restarts += 1
        elif kind < 0.08:
            self.check_books()

    def kill_walsenders(self):
        try:
            killed = self.admin.query(f"select pg_terminate_backend(active_pid) from ({SLOTS}) s")
            self.tally.walsenders += len(killed)
            self.note(f"{len(killed)} walsenders terminated")
        except Unreachable:
            pass

    def check_books(self):
        """G12, at any time that the daemon answers; and the pipeline must not have given up."""
        status, _ = self.daemon.get("/readyz") if "listen" in self.daemon.log() else (0, "")
        if status != 200:
            return
        try:
            books, pipeline = self.daemon.books(self.name), self.daemon.pipeline(self.name)
        except AssertionError:
            if self.daemon.poll() is None:
                raise
            return
        for sink, lane in books.items():
            if balance(lane) != 0 or lane["dead_lettered"]:
                raise AssertionError(f"books of {sink}: {lane}")
        if pipeline["state"] == "failed":
            raise AssertionError(f"the pipeline failed: {pipeline['last_error']}")

    # ---- the end ---------------------------------------------------------------------------------------------------
    def settle(self):
        """Waits until the last change is committed everywhere, which the server hears of (G8), then stops."""
        if not self.alive():
            self.daemon = self.work.launch("p.yaml")
        if self.services.kafka:
            self.services.kafka.wait_up()
        self.database.run(f"insert into marker values ({self.seed});")
        end = self.database.query("select pg_current_wal_insert_lsn()")[0][0]
        confirmed = f"select 1 from pg_replication_slots where slot_name = 'sluice_{self.name}' and confirmed_flush_lsn >= '{end}'"

        def done():
            if not self.alive():
                self.daemon = self.work.launch("p.yaml")
            self.check_books()
            return self.admin.query(confirmed) and (self.options.snapshot == "never" or self.snapshot_is_committed())

        wait_for(done, SETTLE, f"everything up to {end} committed; books {self.daemon.get(f'/api/v1/pipelines/{self.name}/books')}")
        self.note("all is committed")
        self.daemon.terminate()
        self.note("stopped at the end")
        if self.letters().strip():
            raise AssertionError("there are dead letters")

    def snapshot_is_committed(self):
        """Every sink has the end of every table's snapshot (G4): the stream does not wait for it after a crash (G15)."""
        if self.daemon.get("/readyz")[0] != 200:
            return False
        for sink in self.daemon.pipeline(self.name)["sinks"]:
            finished = {key.rsplit(".", 1)[1] for key, done in sink["committed"].items() if "/snapshot" in key and done == [FINISHED, FINISHED]}
            if not finished.issuperset(WATCHED):
                return False
        return True

    def judge(self):
        kinds, truth = self.tables()
        verdict = Verdict(self.oracle.transactions(), truth, kinds, self.options.snapshot != "never")
        self.tally.rows += len(verdict.changes)
        self.note("the server's decoding is read")
        for sink in self.sinks.values():
            self.tally.records += sink.check(verdict)
            self.note(f"{sink.name} is right")

    def tables(self):
        """({(table, column): type}, {table: {key: {column: value}}})"""
        kinds, truth = {}, {}
        columns = self.database.query("""select c.relname, a.attname, format_type(a.atttypid, null) from pg_attribute a join pg_class c on c.oid = a.attrelid
                                         where c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and c.relnamespace = 'public'::regnamespace""")
        for table in WATCHED:
            mine = {name: kind for of, name, kind in columns if of == table}
            kinds.update({(table, name): kind for name, kind in mine.items()})
            rows = self.database.query(f"select {', '.join(mine)} from {table}")
            decoded = [{name: values.from_text(kind, text) for (name, kind), text in zip(mine.items(), row)} for row in rows]
            truth[table] = {tuple(row[column] for column in KEYS[table]): row for row in decoded}
        return kinds, truth

    def clean(self):
        if self.daemon:
            self.daemon.kill()
        try:
            self.admin.patient("select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity "
                               f"where datname = '{self.name}' and pid <> pg_backend_pid()) s")
            wait_for(lambda: not self.admin.query(f"select 1 from pg_replication_slots where active and database = '{self.name}'"), 20, "idle slots")
            self.admin.query(f"select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = '{self.name}'")
            self.admin.run(f"drop database if exists {self.name} with (force);")
        except AssertionError as error:
            self.note(f"not cleaned: {error}")


@functools.cache
def known_fault_points():
    """Every durable step that the code names, in a fixed order, so that a seed chooses the same ones again."""
    found = set()
    for folder in ("sources", "sinks", "pipeline"):
        for path in (ROOT / folder).rglob("*.cc"):
            found.update(re.findall(r'reach\("([a-z_]+\.(?:before|after)_[a-z_]+)"\)', path.read_text("utf-8")))
    return sorted(found)
