"""How fast a pipeline is when many of its records become dead letters, and how fast a large store answers."""

import json
import pathlib
import random
import time

from measure import Cost, median, table
from support.daemon import Workspace

ROOT = pathlib.Path(__file__).resolve().parents[1]
PIPELINE = """
name: bench
source:
  file: {paths: ["%s"], format: json, mode: once}
transforms:
  - set:
      total_eur: double(this.total) * 0.92
sink:
  file: {path: out/, format: json}
"""
LEAST_SHARE_OF_SPEED = {1: 0.9, 50: 0.5}  # poison in percent -> share of the clean speed that is wanted


def records_file(count, percent):
    """`count` JSON records of 200 bytes, of which `percent` cannot be converted; made once."""
    path = ROOT / "build" / "bench" / f"poison-{count}-{percent}.jsonl"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    chance = random.Random(2)
    part = path.with_suffix(".part")
    with open(part, "w", encoding="ascii") as out:
        for n in range(count):
            total = "n/a" if chance.random() * 100 < percent else f"{chance.randrange(50000) / 100}"
            line = f'{{"id":{n},"customer_id":{chance.randrange(100000)},"total":"{total}","currency":"EUR","created":"2026-03-0{n % 9 + 1}T12:00:00Z","note":"'
            out.write(line + "x" * (200 - len(line) - 3) + '"}\n')
    part.rename(path)
    return path


def one_run(path, then=lambda work: None):
    with Workspace() as work:
        work.write("p.yaml", PIPELINE % path)
        started = time.monotonic()
        daemon = work.run_to_end("p.yaml", seconds=900)
        cost = Cost(daemon.cpu_seconds(), time.monotonic() - started, daemon.peak_rss())
        then(work)
        return cost


def bench_dead_letters(options):
    percents = (0, *LEAST_SHARE_OF_SPEED)
    paths = {percent: records_file(options.records, percent) for percent in percents}
    costs = {percent: [] for percent in percents}
    for _ in range(options.rounds):
        for percent in percents:
            costs[percent].append(one_run(paths[percent]))
    clean = median(costs[0], "wall")
    rows = [("poison", "records/s", "CPU s per million", "share of the clean speed", "wanted")]
    for percent in percents:
        wall = median(costs[percent], "wall")
        rows.append((f"{percent} %", f"{options.records / wall:.0f}", f"{median(costs[percent], 'cpu') * 1e6 / options.records:.2f}",
                     f"{clean / wall:.2f}", f">= {LEAST_SHARE_OF_SPEED[percent]}" if percent else ""))
    print(f"dead letters: file -> set -> file; {options.records} records of 200 bytes, median of {options.rounds}")
    table(rows)
    one_run(records_file(options.records, 100), lambda work: time_store(work, options.records))


def time_store(work, count):
    """The store of a run in which every record was refused."""
    for arguments in (("--json",), ("--group-by", "stage,code", "--json")):
        started = time.monotonic()
        done = work.command("dlq", "list", "bench", "--data-dir", work.data, *arguments)
        took = time.monotonic() - started
        answer = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == 0 and (len(answer) == 100 or answer[0]["count"] == count), done.stderr
        print(f"  dlq list {' '.join(arguments)} of {count} letters: {took:.3f} s (wanted < 1 s)")
