"""Runs every test program and every tests/**/*_test.py; called by `./dev test`.

Prints one line per test with its seconds, then the output of what failed, and as the last line exactly
"N passed, N failed, N skipped".  Exit code 1 if any failed.  Suites are build folders: `--suite debug` runs
build/debug/tests/test_* and, with that build's daemon, the Python tests.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Seconds; a test that hangs must not hang the build.
PROGRAM_DEADLINE = 18000 if os.environ.get("SLUICE_TEST_LONG") == "1" else 900
SANITIZER_KILLS = 100
SKIPPED = re.compile(r"SKIPPED: *(.*)")


class Outcome:
    def __init__(self, name, outcome, seconds, text=""):
        self.name, self.outcome, self.seconds, self.text = name, outcome, seconds, text


class Runner:
    def __init__(self, options):
        self.options = options
        self.outcomes = []
        self.lock = threading.Lock()

    def say(self, outcome):
        with self.lock:
            self.outcomes.append(outcome)
            reason = f"  ({outcome.text.strip()})" if outcome.outcome == "skipped" else ""
            print(f"{outcome.outcome:8}{outcome.seconds:8.2f} s  {outcome.name}{reason}", flush=True)

    def wanted(self, name):
        return self.options.filter in name

    # ---- programs --------------------------------------------------------------------------------------------------
    def run_process(self, command, environment, deadline=PROGRAM_DEADLINE):
        """(exit status, output, seconds); the whole process group is killed at the deadline."""
        started = time.monotonic()
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                       env=environment, cwd=ROOT, start_new_session=True)
            try:
                status = process.wait(deadline)
            except subprocess.TimeoutExpired:
                status = "deadline"
            try:
                os.killpg(process.pid, signal.SIGKILL)  # what it left behind
            except ProcessLookupError:
                pass
            process.wait()
            output.seek(0)
            return status, output.read().decode("utf-8", "replace"), time.monotonic() - started

    def environment(self, suite):
        build = ROOT / "build" / suite
        kills = os.environ.get("SLUICE_TEST_KILLS", "30")
        if suite != "debug":  # a sanitizer's daemon starts and works several times slower
            kills = str(min(int(kills), SANITIZER_KILLS))
        return {**os.environ, "SLUICE_TEST_KILLS": kills, "SLUICE_BUILD_DIR": str(build), "SLUICE_BINARY": str(build / "sluice"),
                "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "detect_stack_use_after_return=1:strict_string_checks=1"),
                "LSAN_OPTIONS": os.environ.get("LSAN_OPTIONS", f"suppressions={ROOT}/tests/support/lsan_suppressions.txt:print_suppressions=0"),
                "UBSAN_OPTIONS": os.environ.get("UBSAN_OPTIONS", "print_stacktrace=1"),
                "TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", "halt_on_error=1:second_deadlock_stack=1:"
                                               f"suppressions={ROOT}/tests/support/tsan_suppressions.txt")}

    def run_catch(self, suite, program):
        prefix = label(suite) + program.name.removeprefix("test_")
        with tempfile.NamedTemporaryFile(suffix=".xml") as report:
            command = [str(program), "-r", "xml", "-o", report.name, "-d", "yes"]
            if self.options.filter and self.options.filter not in prefix:
                command.append(f"*{catch_escape(self.options.filter)}*")
            status, output, seconds = self.run_process(command, self.environment(suite))
            cases, whole = read_catch_report(pathlib.Path(report.name).read_text("utf-8", "replace"))
        failed = [case for case in cases if case.outcome == "failed"]
        if failed and whole and output.strip():
            failed[-1].text += "\n--- output ---\n" + output[-20000:]
        for case in cases:
            self.say(Outcome(f"{prefix}: {case.name}", case.outcome, case.seconds, case.text))
        if not whole or (status != 0 and not failed):
            self.say(Outcome(f"{prefix}: ended with {status}", "failed", seconds, output[-20000:]))

    def run_python(self, suite, path):
        prefix = label(suite) + str(path.relative_to(ROOT / "tests")).removesuffix("_test.py")
        with tempfile.NamedTemporaryFile(suffix=".jsonl") as report:
            environment = {**self.environment(suite), "SLUICE_TEST_REPORT": report.name}
            command = [sys.executable, str(path)]
            if self.options.filter and self.options.filter not in prefix:
                command.append(self.options.filter)
            status, output, seconds = self.run_process(command, environment)
            failed = False
            for line in pathlib.Path(report.name).read_text("utf-8").splitlines():
                test = json.loads(line)
                failed |= test["outcome"] == "failed"
                text = test["text"] + ("\n--- output ---\n" + output[-20000:] if test["outcome"] == "failed" else "")
                self.say(Outcome(f"{prefix}: {test['name']}", test["outcome"], test["seconds"], text))
        if status != 0 and not failed:
            self.say(Outcome(f"{prefix}: ended with {status}", "failed", seconds, output[-20000:]))

    def run_fuzzer(self, program):
        name = program.name.removeprefix("fuzz_")
        corpus = ROOT / "build" / "corpus" / name
        findings = ROOT / "build" / "findings"
        corpus.mkdir(parents=True, exist_ok=True)
        findings.mkdir(parents=True, exist_ok=True)
        seeds = [ROOT / "tests" / "fuzz" / "corpus" / name]
        if name == "yaml":
            seeds += [ROOT / "tests" / "config" / folder for folder in ("good", "wrong")]
        command = [str(program), str(corpus), *[str(folder) for folder in seeds if folder.is_dir()], "-timeout=10", "-rss_limit_mb=2048",
                   f"-max_total_time={int(self.options.fuzz_minutes * 60)}", f"-artifact_prefix={findings}/{name}-", "-print_final_stats=1"]
        status, output, seconds = self.run_process(command, self.environment("fuzz"), self.options.fuzz_minutes * 60 + 300)
        self.say(Outcome(f"fuzz: {name}", "passed" if status == 0 else "failed", seconds, "" if status == 0 else output[-20000:]))

    def run_mutations(self):
        """Deliberate bugs, each of which a test must notice."""
        status, output, seconds = self.run_process([sys.executable, str(ROOT / "tests/mutations/run.py")], dict(os.environ), 3600)
        lines = re.findall(r"^(noticed|UNNOTICED) +(.*)$", output, re.MULTILINE)
        for verdict, name in lines:
            self.say(Outcome(f"mutations: {name}", "passed" if verdict == "noticed" else "failed", seconds / len(lines), "no test noticed the bug"))
        if not lines or (status != 0 and all(verdict == "noticed" for verdict, _ in lines)):
            self.say(Outcome(f"mutations: ended with {status}", "failed", seconds, output[-20000:]))

    # ---- everything ------------------------------------------------------------------------------------------------
    def work(self):
        for suite in self.options.suite:
            if suite == "debug" or self.options.python_under_sanitizers:
                for path in sorted((ROOT / "tests").rglob("*_test.py"), key=weight):
                    if self.matches_python(path):
                        yield lambda suite=suite, path=path: self.run_python(suite, path)
            for program in sorted((ROOT / "build" / suite / "tests").glob("test_*")):
                if os.access(program, os.X_OK) and program.is_file() and self.matches_catch(suite, program):
                    yield lambda suite=suite, program=program: self.run_catch(suite, program)
        if self.options.fuzz_minutes:
            for program in sorted((ROOT / "build" / "fuzz").rglob("fuzz_*")):
                if program.is_file() and os.access(program, os.X_OK) and self.wanted("fuzz: " + program.name):
                    yield lambda program=program: self.run_fuzzer(program)
        if self.options.mutations and self.wanted("mutations"):
            yield self.run_mutations

    def matches_catch(self, suite, program):
        if self.wanted(label(suite) + program.name.removeprefix("test_")):
            return True
        listing = subprocess.run([program, "--list-test-names-only", f"*{catch_escape(self.options.filter)}*"], capture_output=True,
                                 text=True, stdin=subprocess.DEVNULL, check=False)
        return bool(listing.stdout.strip())

    def matches_python(self, path):
        return self.wanted(str(path.relative_to(ROOT / "tests"))) or self.options.filter in path.read_text("utf-8")

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            for future in [pool.submit(work) for work in self.work()]:
                future.result()
        failures = [outcome for outcome in self.outcomes if outcome.outcome == "failed"]
        for outcome in failures:
            print(f"\n==== FAILED {outcome.name}\n{outcome.text.rstrip()}")
        count = {kind: sum(o.outcome == kind for o in self.outcomes) for kind in ("passed", "failed", "skipped")}
        if not self.outcomes:
            print(f'dev: no test matches "{self.options.filter}"')
            count["failed"] = 1
        print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped", flush=True)
        return 1 if count["failed"] else 0


def weight(path):
    """Long tests first, so that the last core is not left with the longest."""
    return (not any(part in ("crash", "integration") for part in path.parts), str(path))


def label(suite):
    return "" if suite == "debug" else suite + "/"


def catch_escape(text):
    return re.sub(r"([,\[\]\\\"*])", r"\\\1", text)


def read_catch_report(text):
    """Cases of Catch2's XML report, and whether the report is whole (the program did not die in the middle)."""
    whole = text.rstrip().endswith("</Catch>")
    if not whole:
        text = text[: text.rfind("<TestCase")] + "</Group></Catch>" if "<TestCase" in text else "<Catch/>"
    try:
        root = xml.fromstring(re.sub(r"[^\x09\x0a\x0d\x20-\ud7ff\ue000-\ufffd]", "?", text))
    except xml.ParseError as error:
        return [Outcome("unreadable report", "failed", 0.0, f"{error}\n{text[-4000:]}")], True
    cases = []
    for case in root.iter("TestCase"):
        result = case.find("OverallResult")
        failed = result is None or result.get("success") != "true"
        seconds = float(result.get("durationInSeconds", 0)) if result is not None else 0.0
        spoken = "\n".join(element.text or "" for tag in ("Warning", "Info", "StdOut", "StdErr") for element in case.iter(tag))
        skipped = SKIPPED.search(spoken)
        if failed:
            cases.append(Outcome(case.get("name"), "failed", seconds, describe_failure(case)))
        elif skipped:
            cases.append(Outcome(case.get("name"), "skipped", seconds, skipped.group(1)))
        else:
            cases.append(Outcome(case.get("name"), "passed", seconds))
    return cases, whole


def describe_failure(case):
    lines = [f"{case.get('filename')}:{case.get('line')}: {case.get('name')}"]
    for element in case.iter():
        if element.tag == "Expression" and element.get("success") != "true":
            original = (element.findtext("Original") or "").strip()
            expanded = (element.findtext("Expanded") or "").strip()
            lines.append(f"{element.get('filename')}:{element.get('line')}: {element.get('type')}( {original} )\n    with {expanded}")
        elif element.tag in ("Failure", "Exception", "FatalErrorCondition", "Warning", "Info", "StdOut", "StdErr"):
            place = f"{element.get('filename')}:{element.get('line')}: " if element.get("line") else ""
            lines.append(f"{place}{element.tag}: {(element.text or '').strip()}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", action="append", default=[], help="name of a build folder under build/")
    parser.add_argument("--filter", default="", help="only tests whose name contains this")
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("SLUICE_TEST_JOBS", min(4, os.cpu_count() or 1))))
    parser.add_argument("--fuzz-minutes", type=float, default=0, help="minutes for each fuzzer of build/fuzz")
    parser.add_argument("--mutations", action="store_true", help="put deliberate bugs in, one at a time")
    parser.add_argument("--python-under-sanitizers", action="store_true", help="run the Python tests with every suite's daemon")
    sys.exit(Runner(parser.parse_args()).run())


if __name__ == "__main__":
    main()
