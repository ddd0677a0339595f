#!/usr/bin/env python3
"""Puts deliberate bugs in, one at a time, and demands that a test notices each.

The list is the one at the end of docs/guarantees.md.  Works on a copy of the tree (never on the tree itself), builds only the
test program that is to notice, and prints one line per bug.  Arguments choose bugs by words of their names.  Exit code 1 if
a bug went unnoticed.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# name, file, text, replacement, test program, environment
LANE = "pipeline/lane.cc"
KEEPER = "pipeline/checkpoint_keeper.cc"
BUGS = [
    ("known records are not dropped (G1)", LANE,
     "  if (dropped == 0) return;", "  selected.resize(batch.size()); std::iota(selected.begin(), selected.end(), 0U); return;", "test_pipeline"),
    ("commit again after an unknown commit (G6)", LANE,
     "  const std::optional<Checkpoint> said = SLUICE_TRY(sink_->open(abandon));\n  if (said) {",
     "  const std::optional<Checkpoint> said = std::nullopt;\n  if (said) {", "test_pipeline"),
    ("dead letters flushed after the commit (G5)", LANE,
     "  SLUICE_TRY(dead_letters_.flush(abandon));\n  if (forgotten_", "  if (forgotten_", "test_pipeline",
     ('  runtime_.environment.faults.reach("lane.after_commit");',
      '  runtime_.environment.faults.reach("lane.after_commit");\n  SLUICE_TRY(dead_letters_.flush(abandon));')),
    ("maximum instead of minimum over lanes", KEEPER,
     "result = minimum(result, lanes[i]);", "sluice::advance(result, lanes[i]);", "test_pipeline"),
    ("`through` not moved by filtered batches (G8)", LANE,
     "  note_position(batch->through());", "  if (batch->size() != 0) note_position(batch->through());", "test_pipeline"),
    ("the store saved before the sink's commit", LANE,
     '  commit_tried_ = true;\n', '  commit_tried_ = true;\n  SLUICE_TRY(runtime_.keeper.advance(index_, through_));\n', "test_pipeline"),
    ("an output of a route that got nothing does not move on (G8)", "pipeline/step_tree.cc",
     "    SLUICE_TRY(descend(group, std::move(branch), out, stop));",
     "    if (branch->size() != 0) SLUICE_TRY(descend(group, std::move(branch), out, stop));", "test_pipeline"),
    ("a new sink starts at the bottom (G10)", KEEPER,
     "    sluice::advance(lanes_[i], start);\n", "", "test_pipeline"),
    ("a commit inside a snapshot chunk (G13)", LANE,
     "bool Lane::commit_due() const {\n  if (!inside_chunk_.empty()) return false;", "bool Lane::commit_due() const {", "test_pipeline"),
    ("acknowledged before the store has it (G9)", KEEPER,
     "  if (auto saved = store_.save(next); !saved) return saved;\n  stored_ = std::move(next);\n  minimum_ = minimum_of(lanes_);\n  ++version_;",
     "  minimum_ = minimum_of(lanes_);\n  ++version_;\n  if (auto saved = store_.save(next); !saved) return saved;\n  stored_ = std::move(next);", "test_pipeline"),
    ("ordinals that restart under the same name (G2)", "sources/file_identity.cc",
     "hex(content_hash(first_bytes.substr(0, kHeadBytes)));\n  if (attempt > 1) name += '.' + std::to_string(attempt);",
     "hex(content_hash(first_bytes.substr(0, 0)));\n  static_cast<void>(attempt);", "test_sources"),
    ("a rejected record left half-changed (G19)", "transforms/row_plan.cc",
     "    const auto before = SLUICE_TRY(rewrite_row(plan.before", "    record.after = after;\n    const auto before = SLUICE_TRY(rewrite_row(plan.before", "test_transforms"),
]


def run(command, cwd, env=None, limit=900):
    return subprocess.run(command, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=limit, check=False)


def passes(program, tree):
    try:
        return run([str(program)], tree, {"SLUICE_TEST_SEEDS": os.environ.get("SLUICE_MUTATION_SEEDS", "100")}, limit=180).returncode == 0
    except subprocess.TimeoutExpired:
        return False  # a test that never ends is noticed too


def replace_once(path, old, new):
    text = path.read_text()
    if text.count(old) != 1:
        raise SystemExit(f"{path}: the text to replace stands {text.count(old)} times, not once:\n{old}")
    path.write_text(text.replace(old, new))


def main():
    with tempfile.TemporaryDirectory(prefix="sluice-mutations-") as temporary:
        tree, build = pathlib.Path(temporary) / "tree", pathlib.Path(temporary) / "tree" / "build"
        os.environ.update(CCACHE_BASEDIR=str(tree), CCACHE_NOHASHDIR="1")  # unchanged files come from the cache
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns("build", ".git", "sluice-data"))
        configured = run(["cmake", "-S", str(tree), "-B", str(build), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O1 -g1",
                          "-DSLUICE_WERROR=OFF"], tree)
        if configured.returncode != 0:
            sys.exit(configured.stdout + configured.stderr)
        unnoticed = 0
        chosen = [bug for bug in BUGS if not sys.argv[1:] or any(word in bug[0] for word in sys.argv[1:])]
        for name, file, old, new, program, *more in chosen:
            path = tree / file
            original = path.read_text()
            replace_once(path, old, new)
            for extra_old, extra_new in more:
                replace_once(path, extra_old, extra_new)
            built = run(["cmake", "--build", str(build), "-j2", "--target", program], tree)
            if built.returncode != 0:
                sys.exit(f"{name}: does not build\n{built.stdout[-2000:]}")
            noticed = not passes(build / "tests" / program, tree)
            unnoticed += not noticed
            print(f"{'noticed  ' if noticed else 'UNNOTICED'} {name}", flush=True)
            path.write_text(original)
    print(f"{len(chosen) - unnoticed} passed, {unnoticed} failed, 0 skipped")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
