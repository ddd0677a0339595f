"""http_server -> discard and -> sqlite next to servers that only answer: cpp-httplib with a thread a connection, and our own layer."""

import json
import os
import pathlib
import subprocess

from measure import table
from support import http_load, testing
from support.daemon import Workspace

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD_DIR", ROOT / "build" / "release"))
SECONDS = 4
PIPELINE = """
name: web
source:
  http_server: {listen: "127.0.0.1:%d", path: /events}
sink:
  %s
"""
BARE = {"bare cpp-httplib, a thread each": "httplib", "bare net::HttpServer": "net"}
MOST_THREADS = 256  # a thread a connection makes no sense beyond
SINKS = {"sluice -> discard": "discard: {}", "sluice -> sqlite": "sqlite: {path: out.db, table: events}"}


def load(port, connections, records):
    """(requests/s that got 200, p50 ms, p99 ms)"""
    done = subprocess.run([str(BUILD / "bench" / "http_load"), str(port), "/events", str(connections), str(SECONDS), str(records)],
                          check=True, capture_output=True, text=True, timeout=SECONDS + 60)
    said = json.loads(done.stdout)
    if said["failed"]:
        raise SystemExit(f"{said['failed']} requests failed")
    return said["requests"] / said["seconds"], said["p50_ms"], said["p99_ms"]


def bare(kind, connections, records):
    server = subprocess.Popen([str(BUILD / "bench" / "http_bare"), kind, str(connections)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        return load(int(server.stdout.readline()), connections, records)
    finally:
        server.stdin.close()
        server.wait(20)


def sluice(sink, connections, records):
    port = http_load.free_port()
    with Workspace() as work:
        work.write("p.yaml", PIPELINE % (port, sink))
        daemon = work.start("p.yaml")
        testing.wait_for(lambda: "accepted by HTTP" in daemon.log(), 20, "the source's port")
        result = load(port, connections, records)
        daemon.terminate()
        return result


def bench_http(options):
    shapes = [(64, 1), (64, 100), (2000, 1)]
    for connections, records in shapes:
        measured = {}
        for _ in range(min(3, options.rounds)):
            for name, kind in BARE.items():
                if kind == "httplib" and connections > MOST_THREADS:
                    continue
                measured.setdefault(name, []).append(bare(kind, connections, records))
            for name, sink in SINKS.items():
                measured.setdefault(name, []).append(sluice(sink, connections, records))
        best = {name: sorted(results)[len(results) // 2] for name, results in measured.items()}
        base = next(iter(best.values()))[0]
        rows = [("per server", "requests/s", "records/s", "p50 ms", "p99 ms", "share of the first")]
        rows += [(name, f"{rate:.0f}", f"{rate * records:.0f}", f"{p50:.2f}", f"{p99:.2f}", f"{rate / base:.2f}") for name, (rate, p50, p99) in best.items()]
        print(f"http: {connections} connections, {records} record(s) of 170 bytes a request, {SECONDS} s, median of {min(3, options.rounds)}")
        table(rows)
