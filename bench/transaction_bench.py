"""One transaction that is far larger than memory: peak resident memory, with a sink that takes all, and with a broker that is dead.

The size is `--transaction-mib` of row data, 5 GiB if not said; the server's disk needs some three times that for a while, and `spill_limit` is set
to hold it.
"""

import threading
import time

from measure import status_bytes
from support.daemon import Workspace
from support.kafka import Kafka
from support.postgres import Postgres
from support.testing import wait_for

MIB = 1024 * 1024
LIMIT = 256  # MiB
ROW = 1000  # bytes of text in a row
SOURCE = """
name: large
source:
  postgres_cdc: {url: "%s", tables: [public.load], snapshot: never, spill_limit: 100GiB}
"""
DISCARD = SOURCE + "sink:\n  discard: {}\ncheckpoint: {every: 100ms}\n"
KAFKA = SOURCE + "sink:\n  kafka: {brokers: \"%s\", topic: large, format: json, create_topics: {partitions: 1}}\ncheckpoint: {every: 100ms}\n"
DEAD_SECONDS = 30  # the broker stays dead after the transaction has come


def bench_transaction(options):
    rows = options.transaction_mib * MIB // ROW
    with Postgres(settings="max_wal_size = 20GB\nlogical_decoding_work_mem = 64MB\nfull_page_writes = off\nsynchronous_commit = off") as server:
        prepare(server)
        with Workspace() as work:
            peak, seconds = drained(server, work, rows)
        say(options, "to a sink that takes all", peak, f"{rows / seconds:.0f} rows/s from the commit on")
        server.sql("select pg_drop_replication_slot(slot_name) from pg_replication_slots;")
        server.sql("drop publication sluice_large; truncate load;")
        with Kafka() as kafka, Workspace() as work:
            peak, state = refused(server, work, kafka, rows)
        say(options, "with a broker that died before", peak, f"the pipeline is {state}")


def say(options, how, peak, more):
    verdict = "within" if peak <= LIMIT * MIB else "BEYOND"
    print(f"transaction: {options.transaction_mib} MiB {how}: peak RSS {peak / MIB:.0f} MiB, {verdict} {LIMIT} MiB; {more}", flush=True)


def prepare(server):
    server.sql("create table load (id bigint primary key, note text); alter table load alter note set storage plain;")


def start(server, work, config):
    work.write("p.yaml", config)
    daemon = work.start("p.yaml")
    slot = "select 1 from pg_replication_slots where slot_name = 'sluice_large' and confirmed_flush_lsn is not null"
    wait_for(lambda: server.sql(slot), 60, "the slot")
    return daemon


def write(server, rows):
    """In a thread: a session that is answered only when all is written."""
    done = threading.Event()

    def work():
        with_session = server.session()
        with_session.execute(f"insert into load select i, rpad('row ' || i, {ROW}, 'abcdefgh') from generate_series(1, {rows}) i;")
        with_session.close()
        done.set()

    threading.Thread(target=work, daemon=True).start()
    return done


def drained(server, work, rows):
    daemon = start(server, work, DISCARD % server.url)
    written = write(server, rows)
    wait_for(written.is_set, 7200, "the end of the transaction")
    committed = time.monotonic()
    wait_for(lambda: all(lane["out"] >= rows for lane in daemon.books("large").values()), 7200, f"all rows\n{daemon.log_tail()}")
    seconds = time.monotonic() - committed
    peak = status_bytes(daemon.pid, "VmHWM")
    daemon.terminate()
    return peak, max(seconds, 0.001)


def refused(server, work, kafka, rows):
    daemon = start(server, work, KAFKA % (server.url, kafka.bootstrap))
    server.sql("insert into load values (0, 'the first');")
    wait_for(lambda: kafka.read("large"), 60, "the first message")
    kafka.kill()
    written = write(server, rows)
    wait_for(written.is_set, 7200, "the end of the transaction")
    until = time.monotonic() + DEAD_SECONDS
    wait_for(lambda: time.monotonic() > until, DEAD_SECONDS + 10, "time")
    peak = status_bytes(daemon.pid, "VmHWM")
    state = daemon.pipeline("large")["state"]
    daemon.kill()
    return peak, state
