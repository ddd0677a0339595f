"""The servers that many seeds share: started once, restarted as trouble asks."""

import contextlib

from support.database import Database
from support.kafka import Kafka
from support.postgres import Postgres

# Small enough that an ordinary transaction is decoded from the spill and, where the protocol has it, streamed.
SETTINGS = ("logical_decoding_work_mem = '64kB'", "max_replication_slots = 20", "max_wal_senders = 20", "wal_keep_size = '64MB'",
            "restart_after_crash = on", "autovacuum_naptime = '1s'")


class Services(contextlib.ExitStack):
    """with Services() as services: services.postgres, services.restart_postgres("immediate")"""

    def __init__(self, with_kafka=False, settings=SETTINGS):
        super().__init__()
        self.with_kafka, self.settings = with_kafka, settings
        self.kafka = None

    def __enter__(self):
        super().__enter__()
        self.postgres = self.enter_context(Postgres())
        for setting in self.settings:
            Database(self.postgres.url).run(f"alter system set {setting};")
        self.postgres.restart()
        if self.with_kafka:
            self.kafka = self.enter_context(Kafka())
        return self

    def restart_postgres(self, mode):
        self.postgres.restart(mode)

    def restart_broker(self, mode):
        """"kill" or "stop"; returns while the broker is still on its way up.  After a kill it takes it some seconds."""
        self.kafka.wait_up()  # from the last time
        if mode == "stop":
            self.kafka.nodes[0].process.terminate()
            self.kafka.nodes[0].process.wait(60)
        self.kafka.kill()
        self.kafka.launch()
