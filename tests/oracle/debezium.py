"""Debezium itself, run on our workload: what it writes is the oracle of `format: debezium_json`."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
RECORDED = HERE.parent / "data" / "debezium"
PREFIX = "srv"  # topic.prefix
LIBRARIES = pathlib.Path(os.environ.get("SLUICE_CACHE", pathlib.Path.home() / ".cache" / "sluice")) / "debezium-3.5.0"

# Debezium's settings of each recording.
TYPES = "public.(numbers|binaries|times|arrays|others|needed|defaults|toasted|last_record)"
MODES = {
    "default": {},
    "lossless": {"decimal.handling.mode": "string", "interval.handling.mode": "string", "include.unknown.datatypes": "true",
                 "skipped.operations": "none", "oracle.replace_null": "false"},
    "tuned": {"decimal.handling.mode": "double", "time.precision.mode": "connect", "interval.handling.mode": "string",
              "hstore.handling.mode": "map", "binary.handling.mode": "hex", "money.fraction.digits": "3", "tombstones.on.delete": "false",
              "skipped.operations": "none", "provide.transaction.metadata": "true", "unavailable.value.placeholder": "gone"},
    "iso": {"decimal.handling.mode": "string", "time.precision.mode": "isostring", "hstore.handling.mode": "map",
            "binary.handling.mode": "base64", "table.include.list": TYPES},
    "micro": {"time.precision.mode": "microseconds", "binary.handling.mode": "base64-url-safe", "table.include.list": TYPES},
    "nano": {"time.precision.mode": "nanoseconds", "table.include.list": TYPES},
    "adaptive_time": {"time.precision.mode": "adaptive_time_microseconds", "table.include.list": TYPES},
}
SNAPSHOT_MODES = ["default", "lossless"]
COMMON = """
name=oracle
connector.class=io.debezium.connector.postgresql.PostgresConnector
offset.storage=org.apache.kafka.connect.storage.MemoryOffsetBackingStore
offset.flush.interval.ms=60000
database.hostname=127.0.0.1
database.user=postgres
plugin.name=pgoutput
publication.autocreate.mode=all_tables
poll.interval.ms=20
oracle.last=last_record
schema.exclude.list=tiger.*,topology
"""


def libraries():
    """The folder with Debezium's jars; skips the test when they cannot be had."""
    if shutil.which("java") is None:
        raise unittest.SkipTest("java is not installed")
    if (LIBRARIES / "complete").exists():
        return LIBRARIES
    if shutil.which("mvn") is None:
        raise unittest.SkipTest("mvn is not installed, which fetches Debezium")
    done = subprocess.run(["mvn", "-q", "-B", "-f", HERE / "pom.xml", "dependency:copy-dependencies", f"-DoutputDirectory={LIBRARIES}"],
                          capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise unittest.SkipTest(f"Debezium cannot be fetched: {done.stdout.strip()[-300:]}")
    (LIBRARIES / "complete").touch()
    return LIBRARIES


def settings(postgres, name, snapshot, mode, output):
    """The text of one engine's properties file."""
    own = {"database.port": postgres.port, "database.password": "sluice", "database.dbname": "postgres", "topic.prefix": PREFIX,
           "slot.name": f"oracle_{name}", "custom.metric.tags": f"engine={name}", "publication.name": "oracle", "oracle.output": output,
           "snapshot.mode": "initial" if snapshot else "no_data"}
    return COMMON + "".join(f"{key}={value}\n" for key, value in {**own, **MODES[mode]}.items())


def sql(name):
    return (HERE / name).read_text("utf-8")


def start(postgres, folder, names):
    """Starts the engines of the recordings `names` (mode, or mode_snapshot) in one process."""
    files = []
    for name in names:
        mode = name.removesuffix("_snapshot")
        file = folder / f"{name}.properties"
        file.write_text(settings(postgres, name, mode != name, mode, folder / f"{name}.jsonl"), "utf-8")
        files.append(file)
    with open(folder / "java.log", "ab") as log:
        return subprocess.Popen(["java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Duser.timezone=UTC",
                                 f"-Dlog4j.configurationFile={HERE / 'log4j2.properties'}", "-cp", f"{libraries()}/*",
                                 str(HERE / "DebeziumOracle.java"), *map(str, files)], stdout=log, stderr=log)


def wait_streaming(postgres, process, count):
    """Until `count` slots are streamed from."""
    deadline = time.monotonic() + 180
    while int(postgres.sql("SELECT count(*) FROM pg_replication_slots WHERE active")[0][0]) < count:
        if time.monotonic() > deadline or process.poll() is not None:
            raise AssertionError("Debezium did not begin to stream")
        time.sleep(0.1)


def wait_end(process, folder):
    if process.wait(200) != 0:
        raise AssertionError("Debezium failed:\n" + (folder / "java.log").read_text("utf-8", "replace")[-3000:])


# What is different on each run: times of the commit and of the processing, positions, transaction ids.
MASKS = [(re.compile(r'"ts_(ms|us|ns)":\d+'), r'"ts_\1":0'), (re.compile(r'"(lsn|txId)":\d+'), r'"\1":0'),
         (re.compile(r'"sequence":"\[[^]]*\]"'), '"sequence":""'), (re.compile(r'"id":"\d+:\d+"'), '"id":""'),
         (re.compile(r'LogicalDecodingMessageId@[0-9a-f]+'), 'LogicalDecodingMessageId@0')]  # a Java object's address


def mask(text):
    for pattern, replacement in MASKS:
        text = text and pattern.sub(replacement, text)
    return text


def recording(path):
    """What one engine wrote as the lines of a recording: a schema stands once, before the first record that has it."""
    lines, schemas = [], {}

    def number(schema):
        if schema is None:
            return None
        if schema not in schemas:
            schemas[schema] = len(schemas)
            lines.append(json.dumps({"schema": schema}, ensure_ascii=False))
        return schemas[schema]

    for text in path.read_text("utf-8").rstrip("\n").split("\n"):
        record = json.loads(text)
        key_schema, value_schema = number(record["key_schema"]), number(record["value_schema"])
        lines.append(json.dumps({"topic": record["topic"], "key": mask(record["key"]), "value": mask(record["value"]),
                                 "key_schema": key_schema, "value_schema": value_schema, "headers": record["headers"]}, ensure_ascii=False))
    return lines


def record_all(postgres_class, folder):
    """Runs every mode over the stream, and some over a snapshot; {name: lines}."""
    with postgres_class() as server:
        server.sql(sql("schema.sql"))
        server.sql("CREATE PUBLICATION oracle FOR ALL TABLES")
        process = start(server, folder, list(MODES))
        try:
            wait_streaming(server, process, len(MODES))
            server.sql(sql("rows.sql"))
            server.sql(sql("changes.sql"))
            wait_end(process, folder)
        finally:
            process.kill()
            process.wait()
        names = list(MODES)
        snapshots = [f"{mode}_snapshot" for mode in SNAPSHOT_MODES]
        server.sql("DROP SCHEMA public CASCADE; DROP SCHEMA \"sales-eu\" CASCADE; CREATE SCHEMA public")
        server.sql(sql("schema.sql"))
        server.sql(sql("rows.sql"))
        process = start(server, folder, snapshots)
        try:
            wait_streaming(server, process, len(snapshots))
            server.sql("INSERT INTO last_record VALUES (1)")
            wait_end(process, folder)
        finally:
            process.kill()
            process.wait()
    return {name: recording(folder / f"{name}.jsonl") for name in names + snapshots}
