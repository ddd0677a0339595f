"""docs/how-to/expressions.md: what it shows is what sluice answers, and it names every function and every slot of meta."""

import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import testing  # noqa: E402
from support.daemon import ROOT, Workspace  # noqa: E402

PAGE = ROOT / "docs/how-to/expressions.md"


class Expressions(unittest.TestCase):
    def test_examples_have_the_answers_that_are_shown(self):
        examples = re.findall(r"(?m)^    (.+?)\s+--> (.+)$", PAGE.read_text("utf-8"))
        self.assertGreater(len(examples), 20)
        with Workspace() as work:
            for expression, answer in examples:
                with self.subTest(expression):
                    done = work.command("eval", expression, "--this", '{"total": 10}', "--pipeline")
                    self.assertEqual((0, answer), (done.returncode, done.stdout.strip()), done.stderr)

    def test_every_function_is_named(self):
        text = PAGE.read_text("utf-8")
        names = set()
        for path in [*(ROOT / "expr").glob("functions_*.cc"), ROOT / "expr/macros.cc"]:
            names |= set(re.findall(r'(?m)^    \{"([a-zA-Z_.]+)", (?:CallStyle|\d)', path.read_text("utf-8")))
        self.assertGreater(len(names), 60)
        names.discard("existsOne")  # another spelling of exists_one
        self.assertEqual([], sorted(name for name in names if f"`{name}`" not in text))

    def test_every_slot_of_meta_is_named(self):
        slots = re.search(r"kMetaNames> kMeta = \{(.*?)\};", (ROOT / "expr/resolve.cc").read_text("utf-8"), re.DOTALL).group(1)
        text = PAGE.read_text("utf-8")
        self.assertEqual([], [slot for slot in re.findall(r'"(\w+)"', slots) if f"`{slot}`" not in text])


if __name__ == "__main__":
    testing.main()
