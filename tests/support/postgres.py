"""A PostgreSQL server in a temporary folder, on a free loopback port, for one test program."""

import glob
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

PASSWORD = "sluice"
CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
wal_level = logical
max_wal_senders = 10
max_replication_slots = 10
wal_sender_timeout = 30s
fsync = off
full_page_writes = off
shared_buffers = 32MB
max_wal_size = 512MB
logging_collector = off
"""


def server_folder():
    """bin/ of the newest server of Debian's; skips the test when there is none."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda path: int(re.findall(r"/(\d+)/", path)[0]))
    if not found:
        raise unittest.SkipTest("PostgreSQL is not installed (package postgresql-15)")
    return pathlib.Path(found[-1]).parent


class Postgres:
    """start() .. stop(); `url` connects as a superuser."""

    def __init__(self):
        self.bin = server_folder()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-postgres-"))
        self.folder.chmod(0o755)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if (self.folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        password = self.folder / "password"
        password.write_text(PASSWORD + "\n", "ascii")
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody", "nogroup")
        self._run("initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8",
                  "--locale=C", "--no-sync")
        with open(self.folder / "data" / "postgresql.conf", "a", encoding="ascii") as out:
            out.write(CONFIGURATION.format(port=self.port, folder=self.folder))
        with open(self.folder / "data" / "pg_hba.conf", "a", encoding="ascii") as out:
            out.write("host replication all 127.0.0.1/32 scram-sha-256\n")
        self._run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "server.log", "-w", "-t", "60", "start")

    def restart(self, mode="immediate"):
        self._run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "server.log", "-m", mode, "-w", "-t", "60", "restart")

    def sql(self, text):
        """Runs SQL; rows as lists of text ('' for null)."""
        done = subprocess.run(["psql", self.url, "-X", "-q", "-A", "-t", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", "-f", "-"], input=text,
                              capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise AssertionError(f"psql: {done.stderr.strip()}\n{text[:500]}")
        return [line.split("\x1f") for line in done.stdout.splitlines() if line]

    def session(self):
        return Session(self.url)

    def _run(self, program, *arguments):
        """Runs a program of the server; as an unprivileged user when we are root, because PostgreSQL refuses root.

        Its output goes to a file: the server that pg_ctl leaves behind would hold a pipe open.
        """
        prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
        with tempfile.TemporaryFile() as output:
            done = subprocess.run([*prefix, str(self.bin / program), *map(str, arguments)], cwd=self.folder, stdin=subprocess.DEVNULL,
                                  stdout=output, stderr=output, timeout=120, env={**os.environ, "HOME": str(self.folder)}, check=False)
            if done.returncode != 0:
                output.seek(0)
                log = self.folder / "server.log"
                said = output.read().decode("utf-8", "replace")
                raise AssertionError(f"{program}: {said}\n{log.read_text('utf-8') if log.exists() else ''}")


class Session:
    """One connection held open for a write load: each execute() is answered before it returns."""

    MARK = "--answered--"

    def __init__(self, url):
        self.process = subprocess.Popen(["psql", url, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def execute(self, text):
        self.process.stdin.write(f"{text}\n\\echo {self.MARK}\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.rstrip("\n") == self.MARK:
                return lines
            lines.append(line.rstrip("\n"))
        raise AssertionError("psql ended: " + "\n".join(lines))

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()
