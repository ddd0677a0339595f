"""Runs one *_test.py: unittest underneath, one JSON line per test for the runner, readable by itself too.

A test module ends with `testing.main()`.  Run alone it prints a line per test and exits 1 if any failed; the runner
(runner.py) sets SLUICE_TEST_REPORT to the file it reads the lines from.
"""

import json
import os
import sys
import time
import traceback
import unittest


class _Result(unittest.TestResult):
    def __init__(self, report):
        super().__init__()
        self._report = report
        self._started = 0.0
        self.failed = 0

    def startTest(self, test):
        super().startTest(test)
        self._started = time.monotonic()
        self._answered = False

    def _answer(self, test, outcome, text=""):
        if self._answered:
            return
        self._answered = True
        seconds = time.monotonic() - self._started
        name = test.id().removeprefix("__main__.")
        line = {"name": name, "outcome": outcome, "seconds": round(seconds, 3), "text": text}
        self.failed += outcome == "failed"
        if self._report:
            with open(self._report, "a", encoding="utf-8") as out:
                out.write(json.dumps(line) + "\n")
        else:
            print(f"{outcome:8} {seconds:7.2f} s  {name}" + (f"\n{text}" if text else ""), flush=True)

    def addSuccess(self, test):
        self._answer(test, "passed")

    def addSkip(self, test, reason):
        self._answer(test, "skipped", reason)

    def addFailure(self, test, err):
        self._answer(test, "failed", "".join(traceback.format_exception(*err)))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._answer(test, "failed", f"{subtest}\n" + "".join(traceback.format_exception(*err)))


def main():
    report = os.environ.get("SLUICE_TEST_REPORT")
    wanted = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    suite = unittest.TestSuite()
    for test in _flatten(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])):
        if not wanted or any(name in test.id() for name in wanted):
            suite.addTest(test)
    result = _Result(report)
    suite.run(result)
    sys.exit(1 if result.failed else 0)


def _flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from _flatten(item)
        else:
            yield item


def wait_for(condition, seconds, what):
    """Polls until `condition()` is truthy and returns it; AssertionError after `seconds`, naming `what` (a text, or what makes one) and the
    last value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}" + (f" (last: {value!r})" if value is not None else ""))
        time.sleep(0.01)


def kills(default=30):
    """How many kill -9 a crash test makes (SLUICE_TEST_KILLS)."""
    return int(os.environ.get("SLUICE_TEST_KILLS", default))


def seed():
    """Seed of a randomised test; printed by it, fixed with SLUICE_TEST_SEED."""
    return int(os.environ.get("SLUICE_TEST_SEED", int.from_bytes(os.urandom(4), "little")))


def is_long():
    return os.environ.get("SLUICE_TEST_LONG") == "1"
