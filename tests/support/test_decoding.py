"""Reads the changes of a database through PostgreSQL's own plug-in test_decoding: the second opinion on what sluice made of the log.

    oracle = Decoded(query)            # query(sql) -> rows of text; makes a slot of its own
    oracle.transactions()              # everything that committed since, in commit order, read once

Output of the plug-in (contrib/test_decoding/test_decoding.c):

    BEGIN 771
    table public.items: UPDATE: old-key: id[bigint]:1 new-tuple: id[bigint]:2 name[text]:'it''s' note[text]:unchanged-toast-datum
    table public.a, public.b: TRUNCATE: (no-flags)
    COMMIT 771
"""

import dataclasses
import re

UNCHANGED = "unchanged-toast-datum"  # the word of the plug-in; in a column's place it means that the log left the value out
HEAD = re.compile(r"table (.+?): (INSERT|UPDATE|DELETE|TRUNCATE): ", re.DOTALL)
COLUMN = re.compile(r'("(?:[^"]|"")+"|[^\["]+)\[((?:[^\[\]]|\[\])+)\]:')


class Missing:
    """The one value UNCHANGED_VALUE: a column that the log left out."""

    def __repr__(self):
        return "<unchanged>"


UNCHANGED_VALUE = Missing()


@dataclasses.dataclass
class Change:
    """One change of one row.  `new` and `old` map a column to (type, text); text is None for null, UNCHANGED_VALUE if left out."""

    op: str  # insert, update, delete, truncate
    table: str  # schema.table
    new: dict
    old: dict  # what the replica identity gives; nulls are not among it


@dataclasses.dataclass
class Transaction:
    xid: int
    changes: list


class Decoded:
    def __init__(self, query, slot="oracle"):
        self.query, self.slot = query, slot
        query(f"select pg_create_logical_replication_slot('{slot}', 'test_decoding')")

    def transactions(self):
        lines = self.query(f"select data from pg_logical_slot_get_changes('{self.slot}', null, null, 'include-xids', 'on')")
        return parse(line for (line,) in lines)

    def drop(self):
        self.query(f"select pg_drop_replication_slot('{self.slot}')")


def parse(lines):
    """Transactions with at least one change, in commit order."""
    found, open_one = [], None
    for line in lines:
        if line.startswith("BEGIN"):
            open_one = Transaction(int(line.split()[1]), [])
        elif line.startswith("COMMIT"):
            if open_one.changes:
                found.append(open_one)
        elif line.startswith("table "):
            open_one.changes.extend(parse_change(line))
    return found


def parse_change(line):
    head = HEAD.match(line)
    if not head:
        raise ValueError(f"test_decoding wrote {line[:200]!r}")
    op, rest = head.group(2).lower(), line[head.end():]
    if op == "truncate":
        return [Change(op, table, {}, {}) for table in head.group(1).split(", ")]
    table, old, new = head.group(1), {}, {}
    if op == "delete":
        old = parse_columns(rest)
    elif rest.startswith("old-key: "):
        old_text, rest = split_old_key(rest.removeprefix("old-key: "))
        old = old_text
        new = parse_columns(rest)
    else:
        new = parse_columns(rest)
    return [Change(op, table, new, old)]


def split_old_key(text):
    """(columns before " new-tuple: ", the text after it); the words may stand inside a value."""
    columns, at = {}, 0
    while not text.startswith("new-tuple: ", at):
        at = parse_column(text, at, columns)
    return columns, text[at + len("new-tuple: "):]


def parse_columns(text):
    columns, at = {}, 0
    if text == "(no-tuple-data)":
        return columns
    while at < len(text):
        at = parse_column(text, at, columns)
    return columns


def parse_column(text, at, columns):
    """Reads one `name[type]:value` and the blank behind it; returns where the next begins."""
    head = COLUMN.match(text, at)
    if not head:
        raise ValueError(f"test_decoding wrote {text[max(0, at - 100):at + 100]!r}, not understood at its middle")
    name = head.group(1)
    if name.startswith('"'):
        name = name[1:-1].replace('""', '"')
    value, at = parse_value(text, head.end())
    columns[name] = (head.group(2), value)
    return at + 1


def parse_value(text, at):
    """(value, position behind it)"""
    if text.startswith("B'", at):
        at += 1
    if not text.startswith("'", at):
        end = text.find(" ", at)
        end = len(text) if end < 0 else end
        word = text[at:end]
        return {"null": None, UNCHANGED: UNCHANGED_VALUE}.get(word, word), end
    end = at + 1
    while True:
        end = text.index("'", end)
        if not text.startswith("''", end):
            return text[at + 1:end].replace("''", "'"), end + 1
        end += 2
