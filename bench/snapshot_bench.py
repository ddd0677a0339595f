"""Reading a table: `snapshot: only` -> discard next to `psql \\copy` of the same table to /dev/null, in turns.

Blocks by one worker is what \\copy does; by keys costs the walk along the index, and several workers use more of the machine.
"""

import re
import statistics
import time

from measure import Cost, median, run, table
from support.daemon import Workspace
from support.postgres import Postgres

MIB = 1024 * 1024
PIPELINE = """
name: %(name)s
source:
  postgres_cdc: {url: "%(url)s", tables: [public.load], snapshot: only, snapshot_method: %(method)s, snapshot_workers: %(workers)d}
sink:
  discard: {}
checkpoint: {every: 100ms}
"""
WAYS = (("blocks", 1), ("blocks", 2), ("keys", 1), ("keys", 2))


def bench_snapshot(options):
    rows = options.rows * 4  # read faster than streamed
    costs = {way: [] for way in WAYS}
    copies = {way: [] for way in WAYS}
    with Postgres() as server, Workspace() as work:
        server.sql("create table load (id bigint primary key, customer int, status text, total numeric(10,2), note text, at timestamptz);"
                   f"insert into load select i, i % 1000, 'paid', i * 0.25, 'note ' || i, now() from generate_series(1, {rows}) i;"
                   "vacuum analyze load; checkpoint;")
        copy(server)  # the table is in memory from here on
        for number in range(options.rounds):
            for way in WAYS:
                pair = [lambda way=way: costs[way].append(snapshot(server, work, way, number, rows)), lambda way=way: copies[way].append(copy(server))]
                for program in pair if number % 2 else reversed(pair):
                    program()
    report(rows, options.rounds, costs, copies)


def snapshot(server, work, way, number, rows):
    method, workers = way
    name = f"{method}-{workers}-{number}"
    work.write("p.yaml", PIPELINE % {"name": name, "url": server.url, "method": method, "workers": workers})
    started = time.monotonic()
    daemon = work.run_to_end("p.yaml", seconds=900, data=work.path / f"data-{name}")
    cost = Cost(daemon.cpu_seconds(), time.monotonic() - started, daemon.peak_rss())
    said = re.findall(r"the snapshot is complete.*?rows=(\d+)", daemon.log())
    assert said == [str(rows)], f"{said} rows read of {rows}"
    return cost


def copy(server):
    return run(["psql", server.url, "-X", "-q", "-c", "\\copy load to /dev/null"])


def report(rows, rounds, costs, copies):
    print(f"snapshot: a table of {rows} rows read to nowhere; median of {rounds} pairs")
    lines = [("", "CPU s / million", "rows/s", "peak RSS MiB", "rate / rate of \\copy")]
    everything = [cost for taken in copies.values() for cost in taken]
    lines.append(("psql \\copy", f"{median(everything, 'cpu') * 1e6 / rows:.2f}", f"{rows / median(everything, 'wall'):.0f}",
                  f"{median(everything, 'rss') / MIB:.0f}", ""))
    for (method, workers), taken in costs.items():
        ratio = statistics.median(theirs.wall / ours.wall for ours, theirs in zip(taken, copies[method, workers]))
        wanted = " (wanted >= 0.8)" if (method, workers) == ("blocks", 1) else ""
        lines.append((f"sluice, {method}, {workers} worker{'s' if workers > 1 else ''}", f"{median(taken, 'cpu') * 1e6 / rows:.2f}",
                      f"{rows / median(taken, 'wall'):.0f}", f"{median(taken, 'rss') / MIB:.0f}", f"{ratio:.2f}{wanted}"))
    table(lines)
    print("  rows/s of sluice from the start of the process to its end")
