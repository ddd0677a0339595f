"""The layers of ARCHITECTURE.md, checked from the #include lines; and the sizes that keep files readable."""

import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import testing  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]
MAX_HEADER_LINES = 200
MAX_FILE_LINES = 600

# What each folder may include besides itself.
MIDDLE = {"core", "metrics", "formats", "net", "expr", "storage"}
ALLOWED = {
    "core": set(),
    "metrics": {"core"},
    "formats": {"core"},
    "net": {"core"},
    "expr": {"core"},
    "storage": {"core"},
    "dlq": MIDDLE,
    "sources": MIDDLE,
    "transforms": MIDDLE,
    "sinks": MIDDLE,
    "pipeline": {"core", "dlq", "storage"},
    "daemon": MIDDLE | {"dlq", "sources", "transforms", "sinks", "pipeline"},
}
# Files that may be longer, each with its reason.
LONGER = {
}
# Headers of other projects that our own headers may show: none but fmt.  POSIX and the C++ standard library are not listed here.
THIRD_PARTY = re.compile(r"^(libpq|postgres|sqlite3|yaml-cpp/|librdkafka/|httplib|prometheus/|simdjson|boost/|mysql|mariadb|nlohmann/json\.hpp|pqxx/"
                         r"|re2/|zstd|zlib|spdlog/|CLI/|absl/|openssl/|catch2/)")
IO_IN_CORE = {"thread", "fstream", "iostream", "filesystem", "unistd.h", "fcntl.h", "sys/socket.h", "sys/stat.h", "stdio.h", "cstdio"}
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def source_files():
    for folder in ALLOWED:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".h", ".cc"):
                yield folder, path


def includes(path):
    """[(line number, own path or None, system path or None)]"""
    text = path.read_text("utf-8")
    return [(text.count("\n", 0, match.start()) + 1, match.group(1), match.group(2)) for match in INCLUDE.finditer(text)]


class Layers(unittest.TestCase):
    maxDiff = None

    def check(self, findings):
        self.assertEqual([], findings, "\n" + "\n".join(findings))

    def test_folders_include_only_what_is_below_them(self):
        findings = []
        for folder, path in source_files():
            for line, own, _ in includes(path):
                target = own.split("/")[0] if own and "/" in own else None
                if target in ALLOWED and target != folder and target not in ALLOWED[folder]:
                    findings.append(f"{path.relative_to(ROOT)}:{line}: {folder}/ may not include {own}")
        self.check(findings)

    def test_own_includes_are_paths_from_the_root(self):
        findings = []
        for _, path in source_files():
            for line, own, _ in includes(path):
                if own and not (ROOT / own).is_file():
                    findings.append(f"{path.relative_to(ROOT)}:{line}: no such file from the root: {own}")
        self.check(findings)

    def test_third_party_headers_stay_out_of_our_headers(self):
        findings = []
        for _, path in source_files():
            if path.suffix == ".h" and not path.name.endswith("_internal.h"):
                for line, own, system in includes(path):
                    if THIRD_PARTY.match(own or system):
                        findings.append(f"{path.relative_to(ROOT)}:{line}: {own or system} belongs in a .cc or an _internal.h")
        self.check(findings)

    def test_core_does_no_input_or_output(self):
        findings = []
        for path in sorted((ROOT / "core").rglob("*.[hc]*")):
            for line, _, system in includes(path):
                if system in IO_IN_CORE or (system and THIRD_PARTY.match(system)):
                    findings.append(f"{path.relative_to(ROOT)}:{line}: core/ may not include <{system}>")
        self.check(findings)

    def test_steps_do_not_know_each_other(self):
        """A component includes no other component's header, not even of its own folder (its own parts share its name or its folder)."""
        findings = []
        registered = re.compile(r"sluice_component\(\s*(source|sink|transform)\s+(\w+)\s+([^)]*)\)")
        for folder in ("sources", "transforms", "sinks"):
            lists = (ROOT / folder).rglob("CMakeLists.txt")
            names = {match.group(2) for file in lists for match in registered.finditer(file.read_text("utf-8"))}
            for path in sorted((ROOT / folder).rglob("*.cc")):
                for line, own, _ in includes(path):
                    if not own or not own.startswith(folder + "/"):
                        continue
                    owner = re.sub(r"_(source|sink|transform)$", "", pathlib.Path(own).stem)
                    if owner in names and not path.stem.startswith(owner) and owner != path.parent.name:
                        findings.append(f"{path.relative_to(ROOT)}:{line}: knows the component {owner}")
        self.check(findings)

    def test_no_include_cycles(self):
        edges = {}
        for _, path in source_files():
            if path.suffix == ".h":
                name = str(path.relative_to(ROOT))
                edges[name] = [own for _, own, _ in includes(path) if own]
        done, active, findings = set(), [], []

        def visit(name):
            if name in active:
                findings.append(" -> ".join(active[active.index(name):] + [name]))
            elif name not in done:
                active.append(name)
                for target in edges.get(name, []):
                    visit(target)
                active.pop()
                done.add(name)

        for name in edges:
            visit(name)
        self.check(findings)

    def test_no_cycles_between_folders(self):
        below = {folder: set() for folder in ALLOWED}
        for folder, path in source_files():
            for _, own, _ in includes(path):
                target = own.split("/")[0] if own else None
                if target in ALLOWED and target != folder:
                    below[folder].add(target)
        while True:
            leaves = [folder for folder, targets in below.items() if not targets]
            if not leaves:
                break
            for leaf in leaves:
                del below[leaf]
            for targets in below.values():
                targets.difference_update(leaves)
        self.assertEqual({}, below)

    def test_files_stay_short(self):
        findings = []
        for _, path in source_files():
            lines = path.read_text("utf-8").count("\n")
            name = str(path.relative_to(ROOT))
            limit = LONGER.get(name, MAX_HEADER_LINES if path.suffix == ".h" else MAX_FILE_LINES)
            if lines > limit:
                findings.append(f"{name}: {lines} lines, at most {limit}")
        self.check(findings)

    def test_every_header_is_guarded_once(self):
        findings = [str(path.relative_to(ROOT)) for _, path in source_files()
                    if path.suffix == ".h" and path.read_text("utf-8").splitlines().count("#pragma once") != 1]
        self.check(findings)


if __name__ == "__main__":
    testing.main()
