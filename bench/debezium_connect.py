"""Debezium in Kafka Connect, the baseline of ./dev bench kafka.  Its jars are those of the tests' oracle (tests/oracle/pom.xml)."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request

from support.daemon import ROOT
from support.kafka import JAVA, free_ports
from support.testing import wait_for

sys.path.insert(0, str(ROOT / "tests" / "oracle"))
import debezium  # noqa: E402

WORKER = """
bootstrap.servers={bootstrap}
listeners=http://127.0.0.1:{rest}
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
key.converter.schemas.enable=false
value.converter.schemas.enable=false
offset.storage.file.filename={folder}/offsets
offset.flush.interval.ms=1000
plugin.path={folder}/plugins
plugin.discovery=only_scan
"""
OF_THE_WORKER = ("connect-", "kafka-", "log4j-", "slf4j-", "jetty-", "jersey-")  # jars that the plug-in must not bring


class Connect:
    """`count` connectors, each with a slot of its own from the begin on, all of them stopped until resume(number)."""

    def __init__(self, kafka, server, folder, count, end_of):
        self.kafka, self.server, self.folder, self.count = kafka, server, folder, count
        self.end_of = end_of  # topic -> offset
        self.process = None

    def __enter__(self):
        libraries = debezium.libraries()
        plugin = self.folder / "plugins" / "debezium"
        plugin.mkdir(parents=True)
        for jar in libraries.glob("*.jar"):
            if not jar.name.startswith(OF_THE_WORKER):
                (plugin / jar.name).symlink_to(jar)
        self.rest = free_ports(1)[0]
        (self.folder / "worker.properties").write_text(WORKER.format(bootstrap=self.kafka.bootstrap, rest=self.rest, folder=self.folder), "utf-8")
        for number in range(self.count):
            self.kafka.create_topic(self.topic(number), partitions=1)
        files = [self.connector(number) for number in range(self.count)]
        heap = ["java", "-Xms256m", "-Xmx1g", *[flag for flag in JAVA[1:] if not flag.startswith(("-Xm", "-XX:TieredStopAtLevel"))]]
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen([*heap, *self.kafka._classpath(), "org.apache.kafka.connect.cli.ConnectStandalone",
                                             str(self.folder / "worker.properties"), *files], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.pid = self.process.pid
        try:
            for number in range(self.count):
                slot = f"select 1 from pg_replication_slots where slot_name = 'debezium_{number}' and active"
                wait_for(lambda: self.alive() and self.server.sql(slot), 120, f"Debezium's slot\n{self.log_tail()}")
            # Without a position of its own it would begin at the end of the log, not at that of the slot.
            self.server.sql("insert into load (note) values ('first')")
            for number in range(self.count):
                wait_for(lambda: self.alive() and self.end_of(self.topic(number)) > 0, 120, f"the first row\n{self.log_tail()}")
                self.stop(number)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(20)

    def connector(self, number):
        config = {"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "tasks.max": "1", "database.hostname": "127.0.0.1",
                  "database.port": str(self.server.port), "database.user": "postgres", "database.password": "sluice", "database.dbname": "postgres",
                  "topic.prefix": f"debezium_{number}", "plugin.name": "pgoutput", "slot.name": f"debezium_{number}", "publication.name": "load",
                  "publication.autocreate.mode": "disabled", "table.include.list": "public.load", "snapshot.mode": "no_data"}
        path = self.folder / f"connector-{number}.json"
        path.write_text(json.dumps({"name": f"debezium_{number}", "config": config}), "utf-8")
        return str(path)

    def topic(self, number):
        return f"debezium_{number}.public.load"

    def resume(self, number):
        self.put(f"debezium_{number}/resume")

    def stop(self, number):
        """Ends its task; the slot is free then."""
        self.put(f"debezium_{number}/stop")
        wait_for(lambda: not self.server.sql(f"select 1 from pg_replication_slots where slot_name = 'debezium_{number}' and active"), 60, "a free slot")

    def put(self, path):
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.rest}/connectors/{path}", method="PUT"), timeout=30):
                    return
            except (urllib.error.URLError, ConnectionError) as error:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{path}: {error}\n{self.log_tail()}") from None
                time.sleep(0.1)

    def alive(self):
        if self.process.poll() is not None:
            raise AssertionError(f"Kafka Connect ended\n{self.log_tail()}")
        return True

    def log_tail(self):
        return (self.folder / "log").read_text("utf-8", "replace")[-3000:]
