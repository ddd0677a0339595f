"""Finds the stable codes in the source: what an Error, a finding of `validate`, a finding of `doctor` or an answer of the API carries."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYERS = ("core", "metrics", "formats", "net", "expr", "storage", "dlq", "sources", "transforms", "sinks", "pipeline", "daemon")

WORD = r'"([a-z][a-z0-9]*(?:_[a-z0-9]+)*)"'
# The ways in which the code is given; the first argument that is a word in quotes and directly follows what stands here.
PATTERNS = [
    rf"ErrorKind::k\w+\s*,\s*{WORD}",
    rf"(?:findings_?|out|loaded\.findings)\.(?:error|warning)\((?:[^;\"()]|\([^;()]*\))*,\s*{WORD}",
    rf"Severity::k\w+\s*,(?:[^;\"]|\"(?:name|)\")*?{WORD}",
    rf"CompileError\{{\s*{WORD}",
    rf"\b(?:fail|failure|bad|bad_record|fatal|reject)\(\s*{WORD}\s*,",
    rf"\b(?:error_response|error)\(\s*\w+\s*,\s*{WORD}\s*,",
    rf"\bRefusal\{{\s*\d+\s*,\s*{WORD}",
]
# Words in quotes at such places that are no codes: arguments of calls that only look alike, and members of test suites' notation.
NO_CODES = {"server", "name", "pipeline", "kafka_sink", "replay", "brokers", "settings"}


def sources():
    for layer in LAYERS:
        for path in sorted((ROOT / layer).rglob("*")):
            if path.suffix in (".cc", ".h"):
                yield path


def without_comments(text):
    return re.sub(r"(?m)(^|[^:\"])//[^\n]*", r"\1", text)


def codes():
    """code -> the files that use it."""
    found = {}
    for path in sources():
        text = without_comments(path.read_text(encoding="utf-8"))
        for pattern in PATTERNS:
            for match in re.finditer(pattern, text):
                if match.group(1) not in NO_CODES:
                    found.setdefault(match.group(1), set()).add(str(path.relative_to(ROOT)))
    return found


if __name__ == "__main__":
    for code, files in sorted(codes().items()):
        print(code, *sorted(files))
