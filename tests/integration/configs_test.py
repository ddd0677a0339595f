"""Every file in configs/ validates, and so does every pipeline that README.md shows."""

import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import testing  # noqa: E402
from support.daemon import ROOT, Workspace  # noqa: E402


class Configs(unittest.TestCase):
    def test_every_example_validates(self):
        examples = sorted((ROOT / "configs").glob("*.yaml"))
        self.assertTrue(examples)
        with Workspace() as work:
            for path in examples:
                with self.subTest(path.name):
                    done = work.command("validate", path, "--allow-unset")
                    self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_pipelines_in_the_documents_validate(self):
        with Workspace() as work:
            for document in ("README.md", "CONTRIBUTING.md"):
                for index, text in enumerate(re.findall(r"```yaml\n(.*?)```", (ROOT / document).read_text("utf-8"), re.DOTALL)):
                    with self.subTest(f"{document} {index}"):
                        path = work.write(f"{document}-{index}.yaml", text)
                        done = work.command("validate", path, "--allow-unset")
                        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_pipelines_of_the_guide_validate(self):
        blocks = re.findall(r"```yaml\n(name:.*?)```", (ROOT / "docs" / "pipelines.md").read_text("utf-8"), re.DOTALL)
        self.assertGreater(len(blocks), 2)
        with Workspace() as work:
            for index, text in enumerate(blocks):
                with self.subTest(index):
                    path = work.write(f"guide-{index}.yaml", text)
                    done = work.command("validate", path)
                    self.assertEqual((0, ""), (done.returncode, done.stderr))


if __name__ == "__main__":
    testing.main()
