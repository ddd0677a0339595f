"""A PostgreSQL server in a temporary folder, on a free loopback port, for one test program."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PASSWORD = "sluice"


def server_folder(version=""):
    """The programs of a server, fetched if need be; skips the test, with the reason, when it cannot be had.

    version: "" (Debian's), "13" .. "18", or "16-vector" (16 with pgvector); see dev.d/postgres_tree.sh.
    """
    done = subprocess.run([ROOT / "dev.d" / "postgres_tree.sh", version], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=600, check=False)
    if done.returncode != 0:
        raise unittest.SkipTest(done.stderr.strip() or f"PostgreSQL {version} cannot be had")
    return pathlib.Path(done.stdout.strip()) / "bin"


class Postgres:
    """start() .. stop(); `url` connects as a superuser.  `settings`: lines for postgresql.conf."""

    def __init__(self, version="", settings=""):
        self.version, self.settings = version, settings
        self.bin = server_folder(version)
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
        done = subprocess.run([ROOT / "dev.d" / "postgres_create.sh", self.folder, str(self.port), self.version],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        with open(self.folder / "data" / "postgresql.conf", "a", encoding="ascii") as out:
            out.write(self.settings + "\n")
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
