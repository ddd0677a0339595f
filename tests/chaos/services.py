"""The servers that many seeds share: started once, restarted as trouble asks."""

import contextlib

from support.database import Database
from support.postgres import Postgres

# Small enough that an ordinary transaction is decoded from the spill and, where the protocol has it, streamed.
SETTINGS = ("logical_decoding_work_mem = '64kB'", "max_replication_slots = 20", "max_wal_senders = 20", "wal_keep_size = '64MB'",
            "restart_after_crash = on", "autovacuum_naptime = '1s'")


class Services(contextlib.ExitStack):
    """with Services() as services: services.postgres, services.restart_postgres("immediate")"""

    def __init__(self, settings=SETTINGS):
        super().__init__()
        self.settings = settings

    def __enter__(self):
        super().__enter__()
        self.postgres = self.enter_context(Postgres())
        for setting in self.settings:
            Database(self.postgres.url).run(f"alter system set {setting};")
        self.postgres.restart()
        return self

    def restart_postgres(self, mode):
        self.postgres.restart(mode)
