"""./dev bench: each figure next to its baseline, rounds interleaved because machines are noisy; compare ratios, not seconds.

  json        file -> filter + set -> file with commits, next to a bare simdjson parse of the same file and to jq doing the same work
  expression  a filter of three conditions next to the same conditions in C++
  startup     process start to /readyz, resident memory when idle
  postgres    postgres_cdc -> discard next to pg_recvlogical -f /dev/null on the same log
  kafka       postgres_cdc -> debezium_json -> Kafka exactly once next to Debezium in Kafka Connect, and the time from commit to reader
"""

import argparse
import itertools
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "bench"))
from kafka_bench import bench_kafka  # noqa: E402
from measure import Cost, cpu_of, median, run, status_bytes, table  # noqa: E402
from support import postgres as postgres_server  # noqa: E402
from support.daemon import Workspace  # noqa: E402
from support.testing import wait_for  # noqa: E402

BUILD = ROOT / "build" / "release"
MIB = 1024 * 1024
JSON_PIPELINE = """
name: bench
source:
  file: {paths: ["%s"], format: json, mode: once}
transforms:
  - filter: this.status != "test" && this.total > 1.0
  - set:
      total_eur: this.total * 0.92
sink:
  file: {path: out/, format: json}
"""
JQ_PROGRAM = 'select(.status != "test" and .total > 1.0) | .total_eur = .total * 0.92'


def records_file(count):
    """`count` JSON records of 200 bytes, made once."""
    path = ROOT / "build" / "bench" / f"records-{count}.jsonl"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        chance = random.Random(1)
        statuses = ("new", "paid", "paid", "shipped", "shipped", "test", "refunded")
        part = path.with_suffix(".part")
        with open(part, "w", encoding="ascii") as out:
            for n in range(count):
                line = (f'{{"id":{n},"customer_id":{chance.randrange(100000)},"status":"{chance.choice(statuses)}","total":{chance.randrange(50000) / 100},'
                        f'"currency":"EUR","country_code":"DE","created":"2026-03-0{n % 9 + 1}T12:00:00Z","note":"')
                out.write(line + "x" * (200 - len(line) - 3) + '"}\n')
        part.rename(path)
    return path


def bench_json(options):
    path = records_file(options.records)
    millions = options.records / 1e6
    costs = {"sluice": [], "bare simdjson parse": [], "jq": []}
    parse = BUILD / "bench" / "simdjson_parse"
    for number in range(options.rounds):
        with Workspace() as work:
            work.write("p.yaml", JSON_PIPELINE % path)
            os.environ["SLUICE_BINARY"] = str(BUILD / "sluice")
            started = time.monotonic()
            daemon = work.run_to_end("p.yaml", seconds=600)
            costs["sluice"].append(Cost(daemon.cpu_seconds(), time.monotonic() - started, daemon.peak_rss()))
            if number == 0:
                check_output(work, path)
        costs["bare simdjson parse"].append(run([str(parse), str(path)]))
        if shutil.which("jq") and number < 2:
            costs["jq"].append(run(["jq", "-c", JQ_PROGRAM, str(path)]))
    base = median(costs["sluice"], "cpu")
    rows = [("per million records of 200 bytes", "CPU s", "wall s", "peak RSS MiB", "CPU of sluice / this")]
    for name, measured in costs.items():
        if measured:
            rows.append((name, f"{median(measured, 'cpu') / millions:.2f}", f"{median(measured, 'wall') / millions:.2f}",
                         f"{median(measured, 'rss') / MIB:.0f}", f"{base / median(measured, 'cpu'):.2f}"))
    print(f"json: file -> filter + set -> file, commits on; {options.records} records, median of {options.rounds} (jq: of {min(2, options.rounds)})")
    table(rows)


def check_output(work, path):
    """A fast program that writes something else is of no use: checks what became of the first thousand lines."""
    with open(path, encoding="ascii") as lines:
        head = [json.loads(line) for line in itertools.islice(lines, 1000)]
    wanted = [record for record in head if record["status"] != "test" and record["total"] > 1.0]
    first = sorted(p for p in (work.path / "out").iterdir() if not p.name.startswith("."))[0]
    with open(first, encoding="utf-8") as lines:
        for record in wanted:
            seen = json.loads(next(lines))
            assert seen["id"] == record["id"] and abs(seen["total_eur"] - record["total"] * 0.92) < 1e-9, (seen, record)


def bench_expression(_):
    program = next((p for p in (BUILD / "bench" / "expression_bench", BUILD / "bench" / "expr_bench") if p.exists()), None)
    if not program:
        print("expression: the benchmark is not built")
        return
    print("expression: a filter of three conditions next to the same in C++")
    sys.stdout.flush()
    subprocess.run([str(program)], check=True)


def bench_startup(_):
    os.environ["SLUICE_BINARY"] = str(BUILD / "sluice")
    times, idle = [], []
    with Workspace() as work:
        work.write("p.yaml", "name: idle\nsource:\n  file: {paths: [nothing-*.jsonl], format: json, mode: follow}\nsink:\n  sqlite: {path: o.db, table: t}\n")
        for _ in range(10):
            started = time.monotonic()
            daemon = work.start("p.yaml")
            times.append(time.monotonic() - started)
            idle.append(daemon.rss())
            daemon.terminate()
    times.sort()
    print(f"startup: process start to ready {1000 * times[len(times) // 2]:.0f} ms (median of 10, worst {1000 * times[-1]:.0f} ms); "
          f"resident when idle {max(idle) / MIB:.1f} MiB")


# ---- postgres ------------------------------------------------------------------------------------------------------
POSTGRES_PIPELINE = """
name: bench
source:
  postgres_cdc: {url: "%s", tables: [public.load], snapshot: never}
sink:
  discard: {}
checkpoint: {every: 100ms}    # the end is seen at a commit
"""


def bench_postgres(options):
    os.environ["SLUICE_BINARY"] = str(BUILD / "sluice")
    rows = options.rows
    with postgres_server.Postgres() as server, Workspace() as work:
        server.sql("create table load (id bigint primary key, customer int, status text, total numeric(10,2), note text, at timestamptz);")
        work.write("p.yaml", POSTGRES_PIPELINE % server.url)
        daemon = work.start("p.yaml")  # makes publication and slot
        wait_for(lambda: server.sql("select 1 from pg_replication_slots where confirmed_flush_lsn is not null"), 20, "the slot")
        daemon.terminate()
        slot = server.sql("select slot_name from pg_replication_slots")[0][0]
        publication = server.sql("select pubname from pg_publication")[0][0]
        server.sql(f"select pg_copy_logical_replication_slot('{slot}', 'baseline');")
        server.sql("\n".join(f"insert into load select i, i % 1000, 'paid', i * 0.25, 'note ' || i, now() from generate_series({first}, {first + 999}) i;"
                             for first in range(0, rows, 1000)))
        end = server.sql("select pg_current_wal_lsn()")[0][0]
        shutil.copytree(work.data, work.path / "data-start")
        ours, theirs = [], []
        for number in range(options.rounds):
            server.sql(f"select pg_drop_replication_slot('{slot}'); select pg_copy_logical_replication_slot('baseline', '{slot}');")
            server.sql("select pg_copy_logical_replication_slot('baseline', 'drain');")
            shutil.rmtree(work.data)
            shutil.copytree(work.path / "data-start", work.data)
            if number % 2:
                ours.append(drain_with_sluice(work, rows))
            theirs.append(drain_with_pg_recvlogical(server, publication, end))
            if not number % 2:
                ours.append(drain_with_sluice(work, rows))
            server.sql("select pg_drop_replication_slot('drain')")
        print(f"postgres: {rows} inserts in transactions of 1000, drained to nowhere; median of {options.rounds}")
        heading = ("", "client CPU s", "wall s", "rows/s", "peak RSS MiB")
        lines = [(name, f"{median(costs, 'cpu'):.2f}", f"{median(costs, 'wall'):.2f}", f"{rows / median(costs, 'wall'):.0f}", f"{median(costs, 'rss') / MIB:.0f}")
                 for name, costs in (("sluice postgres_cdc -> discard", ours), ("pg_recvlogical -f /dev/null", theirs))]
        table([heading, *lines])
        print(f"  ratio sluice / pg_recvlogical: wall {median(ours, 'wall') / median(theirs, 'wall'):.2f}, CPU {median(ours, 'cpu') / median(theirs, 'cpu'):.2f}")


def drain_with_pg_recvlogical(server, publication, end):
    program = shutil.which("pg_recvlogical") or str(server.bin / "pg_recvlogical")
    return run([program, "-d", server.url, "--slot", "drain", "--start", "-f", "/dev/null", "-o", "proto_version=1", "-o",
                f"publication_names={publication}", "--endpos", end, "--fsync-interval", "10", "--no-loop"])


def drain_with_sluice(work, rows):
    started = time.monotonic()
    daemon = work.start("p.yaml")
    wait_for(lambda: all(lane["out"] >= rows for lane in daemon.books("bench").values()), 600, "all rows drained")
    wall = time.monotonic() - started
    cost = Cost(cpu_of(daemon.pid), wall, status_bytes(daemon.pid, "VmHWM"))
    daemon.terminate()
    return cost


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    benches = {"json": bench_json, "expression": bench_expression, "startup": bench_startup, "postgres": bench_postgres, "kafka": bench_kafka}
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(benches))
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--binary", type=pathlib.Path, default=BUILD / "sluice", help="the daemon of the kafka bench")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for name in options.names or benches:
        if name not in benches:
            parser.error(f"no bench {name}; known: {', '.join(benches)}")
        benches[name](options)
        print(flush=True)


if __name__ == "__main__":
    main()
