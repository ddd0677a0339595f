"""./dev bench: each figure next to its baseline, rounds interleaved because machines are noisy; compare ratios, not seconds.

  json        file -> filter + set -> file with commits, next to a bare simdjson parse of the same file and to jq doing the same work
  expression  a filter of three conditions next to the same conditions in C++
  startup     process start to /readyz, resident memory when idle
  postgres    postgres_cdc -> discard next to pg_recvlogical -f /dev/null on the same log, for three sizes of transactions
  snapshot    snapshot: only -> discard next to psql \\copy of the same table, by blocks and by keys
  kafka       postgres_cdc -> debezium_json -> Kafka exactly once next to Debezium in Kafka Connect, and `latency`
  latency     the time from commit to a reader of Kafka
  transaction peak memory of one transaction of 5 GiB (--transaction-mib), also with a dead broker; long, and only when named
  http        http_server -> discard and -> sqlite next to servers that only answer: requests per second and p99
  dead-letters  a pipeline that refuses 1 % and 50 % of its records next to the same with good ones; listing a large store
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
from dead_letters_bench import bench_dead_letters  # noqa: E402
from http_bench import bench_http  # noqa: E402
from kafka_bench import bench_kafka, bench_latency  # noqa: E402
from measure import Cost, median, run, table  # noqa: E402
from postgres_bench import bench_postgres  # noqa: E402
from snapshot_bench import bench_snapshot  # noqa: E402
from support.daemon import Workspace  # noqa: E402
from transaction_bench import bench_transaction  # noqa: E402

BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD_DIR", ROOT / "build" / "release"))
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    benches = {"json": bench_json, "expression": bench_expression, "startup": bench_startup, "postgres": bench_postgres, "snapshot": bench_snapshot,
               "kafka": bench_kafka, "http": bench_http, "dead-letters": bench_dead_letters}
    named_only = {"latency": bench_latency, "transaction": bench_transaction}  # part of another, or long
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join([*benches, *named_only]))
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--binary", type=pathlib.Path, default=BUILD / "sluice", help="the daemon of the kafka bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--transaction-mib", type=int, default=5120, help="size of the transaction bench's transaction")
    parser.add_argument("--rate", type=int, default=2000, help="transactions per second of the latency bench")
    parser.add_argument("--seconds", type=int, default=20, help="for how long")
    options = parser.parse_args()
    os.environ["SLUICE_BINARY"] = str(BUILD / "sluice")
    for name in options.names or benches:
        bench = {**benches, **named_only}.get(name)
        if not bench:
            parser.error(f"no bench {name}; known: {', '.join([*benches, *named_only])}")
        bench(options)
        print(flush=True)


if __name__ == "__main__":
    main()
