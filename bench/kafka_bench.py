"""postgres_cdc -> Kafka exactly once: how much it costs next to Debezium in Kafka Connect, how fast it is next to pg_recvlogical, and how
late a reader sees a change.  The same log for all, written before; each drains it from a slot of its own."""

import json
import os
import re
import statistics
import subprocess
import threading
import time

from debezium_connect import Connect
from measure import Cost, cpu_of, median, run, status_bytes, table
from support.daemon import Workspace
from support.kafka import Kafka
from support.postgres import Postgres
from support.testing import wait_for

MIB = 1024 * 1024
LOAD = "create table load (id bigserial primary key, customer int, status text, total numeric(10,2), note text, at timestamptz default now());"
PIPELINE = """
name: %(name)s
source:
  postgres_cdc: {url: "%(url)s", tables: [public.load], snapshot: never, heartbeat: 1s}
sink:
  kafka:
    brokers: "%(brokers)s"
    topic: %(name)s
    format: {debezium_json: {schemas: false}}
    create_topics: {partitions: 1}
checkpoint: {every: %(every)s}
"""
WARM = 0.2  # share of the latency's load, at its begin, that is not counted


class Bench:
    def __init__(self, server, kafka, work):
        self.server, self.kafka, self.work = server, kafka, work

    def prepare(self, name, every):
        """A pipeline with publication and slot, stopped."""
        self.work.write(f"{name}.yaml", PIPELINE % {"name": name, "url": self.server.url, "brokers": self.kafka.bootstrap, "every": every})
        daemon = self.start(name)
        slot = f"select 1 from pg_replication_slots where slot_name = 'sluice_{name}' and confirmed_flush_lsn is not null"
        wait_for(lambda: self.server.sql(slot), 30, "the slot")
        daemon.terminate()

    def start(self, name):
        return self.work.start(f"{name}.yaml", data=self.work.path / f"data-{name}")

    def end_of(self, topic):
        """Offset at the end of a topic of one partition; what transactions write there counts, too."""
        done = self.kafka.kcat("-Q", "-t", f"{topic}:0:-1")
        found = re.search(r"offset (\d+)", done.stdout)
        return int(found.group(1)) if found else 0

    # ---- throughput ------------------------------------------------------------------------------------------------
    def drain_with_sluice(self, name, rows):
        broker, started = cpu_of(self.kafka.nodes[0].process.pid), time.monotonic()
        daemon = self.start(name)
        wait_for(lambda: all(lane["out"] >= rows for lane in daemon.books(name).values()), 900, "all rows drained")
        cost = Cost(cpu_of(daemon.pid), time.monotonic() - started, status_bytes(daemon.pid, "VmHWM"))
        cost.broker = cpu_of(self.kafka.nodes[0].process.pid) - broker
        daemon.terminate()
        return cost

    def drain_with_debezium(self, connect, number, rows):
        broker, cpu, started = cpu_of(self.kafka.nodes[0].process.pid), cpu_of(connect.pid), time.monotonic()
        connect.resume(number)
        wait_for(lambda: self.end_of(connect.topic(number)) > rows, 900, f"all rows in {connect.topic(number)}\n{connect.log_tail()}")
        cost = Cost(cpu_of(connect.pid) - cpu, time.monotonic() - started, status_bytes(connect.pid, "VmHWM"))
        cost.broker = cpu_of(self.kafka.nodes[0].process.pid) - broker
        connect.stop(number)
        return cost

    def drain_with_pg_recvlogical(self, number, end):
        return run([str(self.server.bin / "pg_recvlogical"), "-d", self.server.url, "--slot", f"drain_{number}", "--start", "-f", "/dev/null", "-o",
                    "proto_version=1", "-o", "publication_names=load", "--endpos", end, "--fsync-interval", "10", "--no-loop"])

    def write(self, rows):
        insert = "insert into load (customer, status, total, note) select i % 1000, 'paid', i * 0.25, 'note ' || i from generate_series({}, {}) i;"
        self.server.sql("\n".join(insert.format(first, first + 999) for first in range(0, rows, 1000)))
        return self.server.sql("select pg_current_wal_lsn()")[0][0]

    # ---- latency ---------------------------------------------------------------------------------------------------
    def latencies(self, name, rate, seconds):
        """Milliseconds from the commit in PostgreSQL to the message at a reader at read_committed, sorted; CPU seconds; commits per second."""
        daemon, seen = self.start(name), []
        reader = subprocess.Popen(["kcat", "-b", self.kafka.bootstrap, "-C", "-u", "-q", "-t", name, "-p", "0", "-o", "beginning", "-X",
                                   "isolation.level=read_committed", "-f", "%s\\n"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        def read():
            for line in reader.stdout:
                seen.append((json.loads(line)["source"]["ts_us"] / 1e6, time.time()))

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        try:
            # One change goes through before the load: reader, topic and transaction are there.
            self.server.sql("insert into load (customer) values (1);")
            wait_for(lambda: seen or not thread.is_alive(), 60, lambda: f"the first message\n{daemon.log_tail()}")
            cpu = cpu_of(daemon.pid)
            reached = self.load(rate, seconds)
            rows = int(self.server.sql("select count(*) from load")[0][0])
            wait_for(lambda: len(seen) >= rows or not thread.is_alive(), 120,
                     lambda: f"{rows} messages at the reader, which has {len(seen)}\n{daemon.log_tail()}")
            if len(seen) < rows:
                raise SystemExit(f"the reader ended: {reader.poll()} {reader.stderr.read()[-1000:] if reader.poll() is not None else ''}")
            cpu = cpu_of(daemon.pid) - cpu
        finally:
            reader.kill()
            thread.join(10)
        daemon.terminate()
        begin = seen[1][0] + WARM * seconds
        return sorted(1000 * (now - commit) for commit, now in seen if commit > begin), cpu, reached

    def load(self, rate, seconds):
        """Transactions per second that were reached."""
        load = self.work.write("load.sql", "insert into load (customer, status, total, note) values (7, 'paid', 12.25, 'a note');\n")
        before = int(self.server.sql("select count(*) from load")[0][0])
        done = subprocess.run(["pgbench", "-n", "-M", "prepared", "-c", "4", "-j", "1", "-R", str(rate), "-T", str(seconds), "-f", str(load),
                               self.server.url], capture_output=True, text=True, check=False, timeout=seconds + 120)
        if done.returncode != 0:
            raise SystemExit(f"pgbench: {done.stderr[-1000:]}")
        return (int(self.server.sql("select count(*) from load")[0][0]) - before) / seconds


def bench_throughput(options):
    rows, rounds = options.rows, options.rounds
    with Postgres() as server, Kafka() as kafka, Workspace() as work:
        bench = Bench(server, kafka, work)
        server.sql(LOAD + "create publication load for table load;")
        for number in range(rounds):
            bench.prepare(f"bench_{number}", "100ms")
            server.sql(f"select pg_create_logical_replication_slot('drain_{number}', 'pgoutput')")
        with Connect(kafka, server, work.path / "connect", min(2, rounds), bench.end_of) as connect:
            end = bench.write(rows)
            ours, theirs, debezium = [], [], []
            for number in range(rounds):
                ours.append(bench.drain_with_sluice(f"bench_{number}", rows))
                theirs.append(bench.drain_with_pg_recvlogical(number, end))
                if number < connect.count:
                    debezium.append(bench.drain_with_debezium(connect, number, rows))
    print(f"kafka: {rows} inserts in transactions of 1000 -> Debezium JSON without schemas -> one broker; median of {rounds} (Debezium: of {len(debezium)})")
    lines = [("", "client CPU s/million", "broker CPU s/million", "wall s", "rows/s", "peak RSS MiB")]
    for name, costs in (("sluice, exactly once", ours), ("Debezium in Kafka Connect", debezium), ("pg_recvlogical -f /dev/null", theirs)):
        broker = f"{median(costs, 'broker') * 1e6 / rows:.1f}" if hasattr(costs[0], "broker") else ""
        lines.append((name, f"{median(costs, 'cpu') * 1e6 / rows:.2f}", broker, f"{median(costs, 'wall'):.2f}", f"{rows / median(costs, 'wall'):.0f}",
                      f"{median(costs, 'rss') / MIB:.0f}"))
    table(lines)
    rate = statistics.median(other.wall / own.wall for own, other in zip(ours, theirs))
    cpu = statistics.median(own.cpu / other.cpu for own, other in zip(ours, debezium))
    print(f"  rate of sluice / pg_recvlogical: {rate:.2f} (wanted >= 0.5); CPU of sluice / Debezium: {cpu:.3f} (wanted <= 0.1)")


def bench_latency(options):
    os.environ["SLUICE_BINARY"] = str(options.binary.resolve())
    with Postgres() as server, Kafka() as kafka, Workspace() as work:
        bench = Bench(server, kafka, work)
        server.sql(LOAD)
        kafka.create_topic("latency", partitions=1)  # the reader is there before the first message
        bench.prepare("latency", "100ms")
        times, cpu, reached = bench.latencies("latency", options.rate, options.seconds)
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))]
    print(f"kafka: commit to reader, {options.rate} transactions of one row per second asked for, {reached:.0f} reached, checkpoint every 100 ms: "
          f"p50 {at(0.5):.0f} ms, p99 {at(0.99):.0f} ms, worst {times[-1]:.0f} ms of {len(times)}; sluice used {cpu:.1f} CPU s")


def bench_kafka(options):
    os.environ["SLUICE_BINARY"] = str(options.binary.resolve())
    bench_throughput(options)
    bench_latency(options)
