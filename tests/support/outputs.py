"""Reads what the sinks wrote and compares it with what must be there."""

import json
import pathlib
import sqlite3


def lake_files(folder):
    """The file sink's finished files in the order of their numbers; hidden and unfinished ones are not for readers (G22)."""
    return sorted(path for path in pathlib.Path(folder).rglob("*") if path.is_file() and not path.name.startswith("."))


def lake_records(folder):
    """Every record of every finished file; AssertionError if a reader would meet half a line."""
    records = []
    for path in lake_files(folder):
        text = path.read_bytes()
        if text and not text.endswith(b"\n"):
            raise AssertionError(f"{path.name} ends in half a line: {text[-80:]!r}")
        records.extend(json.loads(line) for line in text.splitlines())
    return records


def rows(path, query, parameters=()):
    """Rows of a query on a SQLite file; an empty list while the file or the table is not there."""
    if not pathlib.Path(path).exists():
        return []
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        return connection.execute(query, parameters).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise
    finally:
        connection.close()


def check_exactly_once(seen, expected, where):
    """`seen` must be `expected` in order; says what is lost, doubled or moved."""
    if seen == expected:
        return
    count = {}
    for item in seen:
        count[item] = count.get(item, 0) + 1
    doubled = [item for item, n in count.items() if n > 1]
    lost = [item for item in expected if item not in count]
    wanted = set(expected)
    strange = [item for item in count if item not in wanted]
    moved = next(((i, a, b) for i, (a, b) in enumerate(zip(seen, expected)) if a != b), None)
    raise AssertionError(f"{where}: {len(seen)} records, {len(expected)} expected; lost {len(lost)} {lost[:5]}, doubled {len(doubled)} "
                         f"{doubled[:5]}, unknown {len(strange)} {strange[:5]}, first difference (index, seen, expected) {moved}")
