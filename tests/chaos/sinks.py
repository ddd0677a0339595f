"""The sinks that chaos runs write to: their part of the pipeline's file, and how a reader that knows nothing of sluice reads them."""

import concurrent.futures
import gzip
import json
import sqlite3

from chaos import verdict
from chaos.workload import WATCHED
from support import outputs


class FileSink:
    """Every change in one order."""

    name = "lake"

    def __init__(self, scenario):
        self.folder = scenario.work.path / "lake"

    def config(self, chance):
        compression = chance.choice(("none", "none", "gzip"))
        return f"file: {{path: lake/, format: json, compression: {compression}, rotate: {{size: {chance.choice((16, 64, 1024))}KiB}}}}"

    def check(self, judge):
        records = []
        for path in outputs.lake_files(self.folder):
            with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as lines:
                records.extend(verdict.from_json_record(json.loads(line), "the lake") for line in lines)
        judge.check_changes(records, "file sink")
        return len(records)


class SqliteSink:
    """The last state of every table."""

    name = "copy"

    def __init__(self, scenario):
        self.path = scenario.work.path / "copy.db"

    def config(self, _):
        return "when: meta.table != 'journal'\n    sqlite: {path: copy.db, table: '${meta.table}', mode: upsert}"  # an upsert needs a key

    def check(self, judge):
        count = 0
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        try:
            for table in sorted(set(WATCHED) - {"journal"}):
                there = connection.execute("select 1 from sqlite_master where name = ?", (table,)).fetchone()
                rows = [dict(row) for row in connection.execute(f"select * from {table}")] if there else []
                judge.check_copy(table, rows, "sqlite sink")
                count += len(rows)
        finally:
            connection.close()
        return count


class KafkaSink:
    """Every change: all in one topic with one order, or a topic per table where the order holds per key."""

    name = "events"

    def __init__(self, scenario):
        self.kafka, self.base = scenario.services.kafka, scenario.name
        self.per_table, self.partitions = False, 1

    def config(self, chance):
        self.per_table = chance.random() < 0.6
        self.partitions = chance.choice((1, 3)) if self.per_table else 1
        topic = f"{self.base}.${{meta.table}}" if self.per_table else self.base
        return (f'kafka:\n      brokers: "{self.kafka.bootstrap}"\n      topic: "{topic}"\n      format: json\n      delivery: exactly_once\n'
                f"      compression: {chance.choice(('lz4', 'none', 'zstd'))}\n      create_topics: {{partitions: {self.partitions}, replication: 1}}")

    def topics(self):
        return [f"{self.base}.{table}" for table in WATCHED] if self.per_table else [self.base]

    def check(self, judge):
        records = []
        with concurrent.futures.ThreadPoolExecutor(len(WATCHED)) as pool:
            for topic, messages in zip(self.topics(), pool.map(self.kafka.read, self.topics())):  # read_committed
                for message in messages:
                    place = f"{topic}[{message['partition']}]"
                    records.append(verdict.from_json_record(json.loads(message["payload"]), place, message["key"]))
        judge.check_changes(records, "kafka sink", one_order=self.partitions == 1)
        return len(records)


SINKS = {"file": FileSink, "sqlite": SqliteSink, "kafka": KafkaSink}
