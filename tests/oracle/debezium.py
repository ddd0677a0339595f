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
MODES = {
    "default": {},
    "lossless": {"decimal.handling.mode": "string", "time.precision.mode": "isostring", "interval.handling.mode": "string",
                 "hstore.handling.mode": "map", "include.unknown.datatypes": "true", "skipped.operations": "none"},
    "tuned": {"decimal.handling.mode": "double", "time.precision.mode": "connect", "interval.handling.mode": "string",
              "hstore.handling.mode": "map", "binary.handling.mode": "hex", "money.fraction.digits": "3", "tombstones.on.delete": "false",
              "skipped.operations": "none", "provide.transaction.metadata": "true", "unavailable.value.placeholder": "gone"},
    "micro": {"time.precision.mode": "microseconds", "binary.handling.mode": "base64"},
    "nano": {"time.precision.mode": "nanoseconds", "binary.handling.mode": "base64-url-safe"},
    "adaptive_time": {"time.precision.mode": "adaptive_time_microseconds"},
}
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
    deadline = time.monotonic() + 90
    while int(postgres.sql("SELECT count(*) FROM pg_replication_slots WHERE active")[0][0]) < count:
        if time.monotonic() > deadline or process.poll() is not None:
            raise AssertionError("Debezium did not begin to stream")
        time.sleep(0.1)


def wait_end(process, folder):
    if process.wait(150) != 0:
        raise AssertionError("Debezium failed:\n" + (folder / "java.log").read_text("utf-8", "replace")[-3000:])


# What is different on each run: times of the commit and of the processing, positions, transaction ids.
MASKS = [(re.compile(r'"ts_(ms|us|ns)":\d+'), r'"ts_\1":0'), (re.compile(r'"(lsn|txId)":\d+'), r'"\1":0'),
         (re.compile(r'"sequence":"\[[^]]*\]"'), '"sequence":""'), (re.compile(r'"id":"(\d+):\d+"'), '"id":"0:0"')]


def mask(text):
    for pattern, replacement in MASKS:
        text = text and pattern.sub(replacement, text)
    return text


def read(path):
    """The records of one engine, masked: (lines, schema texts)."""
    lines = []
    for text in path.read_text("utf-8").splitlines():
        record = json.loads(text)
        record["key"], record["value"] = mask(record["key"]), mask(record["value"])
        lines.append(record)
    return lines
