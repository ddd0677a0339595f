"""postgres_cdc -> discard next to pg_recvlogical -f /dev/null on the same log.

Pairs run in turns, first one then the other, and each gives a ratio: the machine may slow down between pairs but hardly within one.
CPU seconds of the client are its own, of the server those of the walsender that it was served by.
"""

import contextlib
import os
import pathlib
import shutil
import statistics
import time

from measure import Cost, cpu_of, median, run, status_bytes, table
from support import postgres as postgres_server
from support.daemon import Workspace
from support.testing import wait_for

MIB = 1024 * 1024
PIPELINE = """
name: bench
source:
  postgres_cdc: {url: "%s", tables: [public.load], snapshot: never}
sink:
  discard: {}
checkpoint: {every: 100ms}    # the end is seen at a commit
"""
# name, rows of a transaction (0: one transaction holds all), share of the rows, options that pg_recvlogical asks the server with
SHAPES = (("transactions of 1000 rows", 1000, 1.0, ("proto_version=1",)),
          ("transactions of one row", 1, 0.2, ("proto_version=1",)),
          ("one transaction, streamed", 0, 1.0, ("proto_version=2", "streaming=on")))
SLOT, BASELINE, DRAIN = "sluice_bench", "baseline", "drain"


def bench_postgres(options):
    with postgres_server.Postgres() as server, Workspace() as work:
        server.sql("create table load (id bigint primary key, customer int, status text, total numeric(10,2), note text, at timestamptz);")
        for name, size, share, plugin in SHAPES:
            rows = int(options.rows * share)
            drain = Drain(server, work, rows, size, plugin)
            pairs = [drain.pair(first=("sluice", "pg_recvlogical")[number % 2]) for number in range(options.rounds)]
            report(name, rows, pairs)
            drain.close()


def report(name, rows, pairs):
    print(f"postgres: {rows} inserts, {name}, drained to nowhere; median of {len(pairs)} pairs")
    millions = rows / 1e6
    lines = [("", "client CPU s / million", "server CPU s / million", "rows/s", "peak RSS MiB")]
    for who, program in (("sluice", "sluice postgres_cdc -> discard"), ("pg_recvlogical", "pg_recvlogical -f /dev/null")):
        costs = [pair[who] for pair in pairs]
        lines.append((program, f"{median(costs, 'cpu') / millions:.2f}", f"{median(costs, 'server_cpu') / millions:.2f}",
                      f"{rows / median(costs, 'wall'):.0f}", f"{median(costs, 'rss') / MIB:.0f}"))
    table(lines)
    rates = sorted(pair["pg_recvlogical"].wall / pair["sluice"].wall for pair in pairs)
    cpu = statistics.median(pair["sluice"].cpu / pair["pg_recvlogical"].cpu for pair in pairs)
    print(f"  rate of sluice / rate of pg_recvlogical: {statistics.median(rates):.2f} (lowest {rates[0]:.2f}, highest {rates[-1]:.2f}); client CPU {cpu:.2f}")


class Drain:
    """One stretch of log, read again and again through copies of one slot."""

    def __init__(self, server, work, rows, size, plugin):
        self.server, self.work, self.rows, self.plugin = server, work, rows, plugin
        self.session = server.session()  # one that lasts: what it costs the server is not counted
        work.data = work.path / f"data-{size}"
        work.write("p.yaml", PIPELINE % server.url)
        daemon = work.start("p.yaml")  # makes publication and slot
        wait_for(lambda: server.sql(f"select 1 from pg_replication_slots where slot_name = '{SLOT}' and confirmed_flush_lsn is not null"), 20, "the slot")
        daemon.terminate()
        self.publication = server.sql("select pubname from pg_publication")[0][0]
        server.sql(f"select pg_copy_logical_replication_slot('{SLOT}', '{BASELINE}');")
        write_load(server, rows, size)
        self.end = server.sql("select pg_current_wal_lsn()")[0][0]
        self.start_data = work.path / f"data-{size}-start"
        shutil.copytree(work.data, self.start_data)

    def pair(self, first):
        programs = {"sluice": self.with_sluice, "pg_recvlogical": self.with_pg_recvlogical}
        second = next(name for name in programs if name != first)
        return {name: self.measured(programs[name]) for name in (first, second)}

    def measured(self, program):
        for slot in (SLOT, DRAIN):
            self.session.execute(f"select pg_drop_replication_slot('{slot}') from pg_replication_slots where slot_name = '{slot}';")
            self.session.execute(f"select pg_copy_logical_replication_slot('{BASELINE}', '{slot}');")
        shutil.rmtree(self.work.data)
        shutil.copytree(self.start_data, self.work.data)
        before = self.server_cpu()
        cost = program()
        wait_for(lambda: not any("walsender" in title for title in titles_of_children(self.postmaster())), 30, "the end of the walsender")
        cost.server_cpu = self.server_cpu() - before
        return cost

    def with_sluice(self):
        started = time.monotonic()
        daemon = self.work.start("p.yaml")
        wait_for(lambda: all(lane["out"] >= self.rows for lane in daemon.books("bench").values()), 600, "all rows drained")
        wall = time.monotonic() - started
        cost = Cost(cpu_of(daemon.pid), wall, status_bytes(daemon.pid, "VmHWM"))
        daemon.terminate()
        return cost

    def with_pg_recvlogical(self):
        program = shutil.which("pg_recvlogical") or str(self.server.bin / "pg_recvlogical")
        asked = [word for option in (*self.plugin, f"publication_names={self.publication}") for word in ("-o", option)]
        return run([program, "-d", self.server.url, "--slot", DRAIN, "--start", "-f", "/dev/null", *asked, "--endpos", self.end,
                    "--fsync-interval", "10", "--no-loop"])

    def server_cpu(self):
        """CPU seconds of all processes of the server that have ended: walsenders, and sessions that cost next to nothing."""
        with open(f"/proc/{self.postmaster()}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")

    def postmaster(self):
        return int((self.server.folder / "data" / "postmaster.pid").read_text("ascii").split()[0])

    def close(self):
        self.session.close()
        self.server.sql("select pg_drop_replication_slot(slot_name) from pg_replication_slots;")
        self.server.sql(f"drop publication {self.publication}; truncate load;")


def titles_of_children(pid):
    """Command lines of the processes that `pid` has started and not yet waited for."""
    titles = []
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split():
        with contextlib.suppress(OSError):
            titles.append(pathlib.Path(f"/proc/{child}/cmdline").read_text("utf-8", "replace"))
    return titles


def write_load(server, rows, size):
    insert = "insert into load select i, i % 1000, 'paid', i * 0.25, 'note ' || i, now() from generate_series({}, {}) i;"
    if size == 0:
        server.sql(insert.format(0, rows - 1))
    elif size == 1:
        server.sql(f"do $$ begin for i in 0 .. {rows - 1} loop insert into load values (i, i % 1000, 'paid', i * 0.25, 'note ' || i, now()); commit; end loop; end $$;")
    else:
        server.sql("\n".join(insert.format(first, first + size - 1) for first in range(0, rows, size)))
