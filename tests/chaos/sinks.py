"""The sinks that chaos runs write to: their part of the pipeline's file, and how a reader that knows nothing of sluice reads them."""

import concurrent.futures
import gzip
import json
import sqlite3

from chaos import events, verdict
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
    format = "json"

    def __init__(self, scenario):
        self.kafka, self.base = scenario.services.kafka, scenario.name
        self.per_table, self.partitions = False, 1
        self.with_snapshot = scenario.options.snapshot != "never"

    def config(self, chance):
        self.per_table = chance.random() < 0.6
        # A row that a snapshot read late has its place among the changes of its key, so then there is one order to read.
        self.partitions = chance.choice((1, 3)) if self.per_table and not self.with_snapshot else 1
        topic = f"{self.base}.${{meta.table}}" if self.per_table else self.base
        return (f'kafka:\n      brokers: "{self.kafka.bootstrap}"\n      topic: "{topic}"\n      format: {self.format}\n      delivery: exactly_once\n'
                f"      compression: {chance.choice(('lz4', 'none', 'zstd'))}\n      create_topics: {{partitions: {self.partitions}, replication: 1}}")

    def topics(self):
        return [f"{self.base}.{table}" for table in WATCHED] if self.per_table else [self.base]

    def messages(self):
        """(topic, place, message) of all topics, at read_committed."""
        with concurrent.futures.ThreadPoolExecutor(len(WATCHED)) as pool:
            for topic, messages in zip(self.topics(), pool.map(self.kafka.read, self.topics())):
                for message in messages:
                    yield topic, f"{topic}[{message['partition']}]", message

    def check(self, judge):
        records = [verdict.from_json_record(json.loads(message["payload"]), place, message["key"]) for _, place, message in self.messages()]
        judge.check_changes(records, "kafka sink", one_order=self.partitions == 1)
        return len(records)


class DebeziumSink(KafkaSink):
    """The same as Debezium's events, a topic per table."""

    name = "debezium"
    format = "{debezium_json: {lossless: true}}"

    def config(self, chance):
        text = super().config(chance)
        return f"{text}\n      per_table: {{journal: {{key: [rid]}}}}" if self.per_table else self.config(chance)  # the table has no key of its own

    def check(self, judge):
        seen = {table: [] for table in WATCHED}
        for topic, place, message in self.messages():
            table = topic.rsplit(".", 1)[1]
            seen[table].append((place, events.read_event(message, table, judge.kinds)))
        expected = events.expected_events(judge.changes)
        for table in WATCHED:
            if not self.with_snapshot:
                events.check_table(seen[table], expected[table], f"events of {table}", one_order=self.partitions == 1)
            # A truncate has no key, so with several partitions nothing says which rows came before it; what check_table compared is enough then.
            if self.partitions == 1 or all(event.op != "t" for _, event in seen[table]):
                events.check_applied([event for _, event in seen[table]], judge.truth[table], f"events of {table}, applied")
        return sum(map(len, seen.values()))


SINKS = {"file": FileSink, "sqlite": SqliteSink, "kafka": KafkaSink, "debezium": DebeziumSink}
