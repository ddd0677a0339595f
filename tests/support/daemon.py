"""Starts the daemon under test, waits for it, kills it, asks it.

    with Workspace() as work:
        work.write("p.yaml", text)
        daemon = work.start("p.yaml")          # waits until /readyz answers 200
        daemon.kill()                          # SIGKILL
        work.run_to_end("p.yaml")              # --until-done, must exit 0

SLUICE_BINARY names the program (default build/debug/sluice, else build/release/sluice).
"""

import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from support.testing import wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY_DEADLINE = 30  # seconds; a loaded machine with a sanitizer build
EXIT_DEADLINE = 120
LISTENING = re.compile(r"listen[^\n]*?127\.0\.0\.1:(\d+)", re.IGNORECASE)


def binary():
    """Path of the daemon; AssertionError when it was not built: to skip would hide every test of this folder."""
    given = os.environ.get("SLUICE_BINARY")
    candidates = [given] if given else [ROOT / "build" / preset / "sluice" for preset in ("debug", "release")]
    for candidate in candidates:
        if os.access(candidate, os.X_OK):
            return str(candidate)
    raise AssertionError(f"the daemon is not built ({', '.join(str(c) for c in candidates)})")


class Workspace:
    """A folder for one scenario: configurations, data directory, inputs, outputs.  Everything in it ends with it."""

    def __init__(self, folder=None):
        self._own = folder is None
        self.path = pathlib.Path(folder or tempfile.mkdtemp(prefix="sluice-test-"))
        self.data = self.path / "data"
        self.daemons = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for daemon in self.daemons:
            daemon.kill()
        if self._own and not os.environ.get("SLUICE_TEST_KEEP"):
            shutil.rmtree(self.path, ignore_errors=True)

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def launch(self, *configs, arguments=(), fault_point=None, environment=None, data=None, stdout=None, limit_file_size=None):
        """A started daemon that may not be ready yet."""
        daemon = Daemon(self, configs, arguments, fault_point, environment or {}, data or self.data, stdout, limit_file_size)
        self.daemons.append(daemon)
        return daemon

    def start(self, *configs, **options):
        """A daemon that is ready."""
        daemon = self.launch(*configs, **options)
        daemon.wait_ready()
        return daemon

    def run_to_end(self, *configs, expect=0, seconds=EXIT_DEADLINE, **options):
        """Runs with --until-done and returns the ended daemon; AssertionError unless it exits with `expect`."""
        daemon = self.launch(*configs, arguments=("--until-done", *options.pop("arguments", ())), **options)
        daemon.wait_exit(expect, seconds)
        return daemon

    def traced(self, daemon_environment=None):
        """(environment that makes a daemon note each durable step it passes, function that gives the names noted so far)"""
        path = self.path / "passed-fault-points"
        return {**(daemon_environment or {}), "SLUICE_FAULT_TRACE": str(path)}, lambda: set(path.read_text("ascii").split()) if path.exists() else set()

    def command(self, *arguments, environment=None):
        """Runs `sluice ARGUMENTS` to its end: CompletedProcess with text output."""
        return subprocess.run([binary(), *map(str, arguments)], cwd=self.path, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=EXIT_DEADLINE, env={**os.environ, **(environment or {})}, check=False)


class Daemon:
    """One process of `sluice run`."""

    count = 0

    def __init__(self, work, configs, arguments, fault_point, environment, data, stdout, limit_file_size):
        Daemon.count += 1
        self.log_path = work.path / f"daemon-{Daemon.count}.log"
        self.returncode = None
        self.usage = None
        self._port = None
        command = [binary(), "run", *map(str, configs), "--data-dir", str(data), "--listen", "127.0.0.1:0", *arguments]
        variables = {**os.environ, **environment}
        variables.pop("SLUICE_FAULT_POINT", None)
        if fault_point:
            variables["SLUICE_FAULT_POINT"] = fault_point
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, cwd=work.path, env=variables, stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log,
                                            preexec_fn=_file_size_limit(limit_file_size) if limit_file_size else None)
        self.pid = self.process.pid

    # ---- its life --------------------------------------------------------------------------------------------------
    def poll(self):
        """Exit status (negative: signal), or None while it runs; also takes its resource usage."""
        if self.returncode is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.returncode = self.process.returncode = os.waitstatus_to_exitcode(status)
                self.usage = usage
        return self.returncode

    def wait_exit(self, expect=None, seconds=EXIT_DEADLINE):
        try:
            wait_for(lambda: self.poll() is not None, seconds, f"exit of the daemon\n{self.log_tail()}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log_tail()}") from None
        if expect is not None and self.returncode != expect:
            raise AssertionError(f"exit code {self.returncode}, expected {expect}\n{self.log_tail()}")
        return self.returncode

    def kill(self):
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            wait_for(lambda: self.poll() is not None, 20, "death of the daemon")

    def terminate(self, expect=0, seconds=40):
        """Graceful stop."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
        return self.wait_exit(expect, seconds)

    def log(self):
        return self.log_path.read_text("utf-8", "replace")

    def log_tail(self):
        return "--- daemon's log ---\n" + self.log()[-6000:]

    # ---- its answers -----------------------------------------------------------------------------------------------
    def port(self):
        def look():
            found = LISTENING.search(self.log())
            if not found and self.poll() is not None:
                raise AssertionError(f"the daemon ended with {self.returncode} before it listened\n{self.log_tail()}")
            return found and int(found.group(1))

        if self._port is None:
            self._port = wait_for(look, READY_DEADLINE, "port in the daemon's log")
        return self._port

    def get(self, path):
        """(status, text); status 0 when nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port()}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode("utf-8", "replace")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return 0, ""

    def wait_ready(self):
        def ready():
            if self.poll() is not None:
                raise AssertionError(f"the daemon ended with {self.returncode} before it was ready\n{self.log_tail()}")
            return self.get("/readyz")[0] == 200

        wait_for(ready, READY_DEADLINE, f"readiness\n{self.log_tail()}")

    def books(self, pipeline):
        """{sink: {"in": n, ...}} (G12)"""
        status, text = self.get(f"/api/v1/pipelines/{pipeline}/books")
        if status != 200:
            raise AssertionError(f"books of {pipeline}: HTTP {status} {text}")
        return {lane["sink"]: lane for lane in json.loads(text)["lanes"]}

    def pipeline(self, name):
        status, text = self.get(f"/api/v1/pipelines/{name}")
        if status != 200:
            raise AssertionError(f"pipeline {name}: HTTP {status} {text}")
        return json.loads(text)

    def metrics(self):
        """{(name, ((label, value), ...)): number}"""
        status, text = self.get("/metrics")
        if status != 200:
            raise AssertionError(f"/metrics: HTTP {status}")
        return parse_metrics(text)

    def rss(self):
        """Resident bytes now; 0 once it has ended."""
        return _status_kb(self.pid, "VmRSS") * 1024

    def peak_rss(self):
        """Highest resident bytes so far, or of the whole life once it has ended."""
        if self.poll() is not None:
            return self.usage.ru_maxrss * 1024
        return _status_kb(self.pid, "VmHWM") * 1024

    def cpu_seconds(self):
        return self.usage.ru_utime + self.usage.ru_stime


def parse_metrics(text):
    series = {}
    for line in text.splitlines():
        match = re.match(r"^(\w+)(?:\{(.*)\})? (\S+)", line)
        if match:
            labels = tuple(sorted(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match.group(2) or "")))
            series[(match.group(1), labels)] = float(match.group(3))
    return series


def balance(lane):
    """Left minus right side of the books' equation (G12); 0 when they balance."""
    out = sum(lane[name] for name in ("filtered", "deduplicated", "dead_lettered", "skipped", "out", "in_flight"))
    return lane["in"] + lane["created"] - out


def _status_kb(pid, field):
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:
        return 0
    match = re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE)
    return int(match.group(1)) if match else 0


def _file_size_limit(size):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writes answer EFBIG
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def start_until_killed(work, config, choose_delay, alive=None, **options):
    """Starts the daemon and kills it after `choose_delay()` seconds; True if it was still running then."""
    daemon = work.launch(config, **options)
    deadline = time.monotonic() + choose_delay()
    while time.monotonic() < deadline and daemon.poll() is None:
        time.sleep(0.002)
        if alive:
            alive()
    running = daemon.poll() is None
    daemon.kill()
    if not running and daemon.returncode != 0:
        raise AssertionError(f"the daemon ended with {daemon.returncode}\n{daemon.log_tail()}")
    return running
