"""What Debezium's events must be, from the server's own decoding: one after the other per topic, or per key where the topic has partitions.

A change of key is a delete, a tombstone and a create; a delete is followed by a tombstone (G17).  An event has no name of its own, so a
double one shows as one too many in its sequence.
"""

import base64
import dataclasses
import json

from chaos import values
from chaos.replica import Replica
from chaos.workload import KEYS
from support.test_decoding import UNCHANGED_VALUE

PLACEHOLDER = "__debezium_unavailable_value"
PLACEHOLDERS = (PLACEHOLDER, base64.b64encode(PLACEHOLDER.encode()).decode())
TOMBSTONE = "tombstone"


@dataclasses.dataclass
class Event:
    op: str  # c, u, d, t, r or tombstone
    key: tuple
    after: dict = None  # column -> value, UNCHANGED_VALUE where it was left out
    known: dict = None  # of expected events: what the row held in the columns that were left out


def expected_events(changes):
    """{table: [Event]} of the changes of verdict.Verdict."""
    result, replica = {table: [] for table in KEYS}, Replica()
    for _, change in changes:
        table = change.table.removeprefix("public.")
        new = {name: text if text is UNCHANGED_VALUE else values.from_text(kind, text) for name, (kind, text) in change.new.items()}
        old = {name: values.from_text(kind, text) for name, (kind, text) in change.old.items()}
        result[table].extend(events_of(change.op, table, new, old, replica))
        replica.apply(change.op, table, new, key_of(table, old) if old else None)
    return result


def events_of(op, table, new, old, replica):
    if op == "truncate":
        return [Event("t", None)]
    if op == "delete":
        return [Event("d", key_of(table, old)), Event(TOMBSTONE, key_of(table, old))]
    known = {name: replica.value(table, new["rid"], name) for name, value in new.items() if value is UNCHANGED_VALUE}
    event = Event("c" if op == "insert" else "u", key_of(table, new), new, known)
    if op == "update" and old and key_of(table, old) != event.key:
        event.op = "c"
        return [Event("d", key_of(table, old)), Event(TOMBSTONE, key_of(table, old)), event]
    return [event]


def key_of(table, row):
    return tuple(row[column] for column in KEYS[table])


def read_event(message, table, kinds):
    """The event of a message as kcat gives it."""
    key = message["key"] and key_of(table, json.loads(message["key"]))
    if message["payload"] is None:
        return Event(TOMBSTONE, key)
    value = json.loads(message["payload"])
    after = value["after"] and {name: from_debezium(kinds[(table, name)], cell) for name, cell in value["after"].items()}
    return Event(value["op"], key, after)


def from_debezium(kind, value):
    """Of `lossless: true`: decimals and times are text."""
    if value is None:
        return None
    if value in PLACEHOLDERS:
        return UNCHANGED_VALUE
    if kind == "jsonb":
        return values.from_text(kind, value)
    return values.from_json(kind, value)


def check_sequence(seen, expected, where):
    """Event by event the same."""
    for index, (got, wanted) in enumerate(zip(seen, expected)):
        reason = difference(got, wanted)
        if reason:
            raise AssertionError(f"{where}: event {index} of {len(seen)} is {show(got)}, the server decoded {show(wanted)}: {reason}")
    if len(seen) != len(expected):
        more = (seen if len(seen) > len(expected) else expected)[min(len(seen), len(expected))]
        raise AssertionError(f"{where}: {len(seen)} events for {len(expected)}; the first {'too many' if len(seen) > len(expected) else 'lost'} is {show(more)}")


def difference(got, wanted):
    if (got.op, got.key) != (wanted.op, wanted.key):
        return "another event"
    if wanted.after is None:
        return "" if got.after is None else "it has a row"
    if set(got.after) != set(wanted.after):
        return f"columns {sorted(got.after)} for {sorted(wanted.after)}"
    for name, value in wanted.after.items():
        # What the log left out the old row of replica identity full may have given.
        allowed = (UNCHANGED_VALUE, wanted.known[name]) if value is UNCHANGED_VALUE else (value,)
        if not any(got.after[name] is one or got.after[name] == one for one in allowed):
            return f"{name} is {str(got.after[name])[:100]!r} for {str(value)[:100]!r}"
    return ""


def by_key(events):
    found = {}
    for event in events:
        found.setdefault(event.key, []).append(event)
    return found


def check_table(seen, expected, where, one_order):
    """`seen`: [(place, Event)] in the reader's order."""
    homes = {}
    for place, event in seen:
        if event.key is not None and homes.setdefault(event.key, place) != place:
            raise AssertionError(f"{where}: key {event.key} is in {homes[event.key]} and {place}")
    events = [event for _, event in seen]
    if one_order:
        check_sequence(events, expected, where)
        return
    seen_by, expected_by = by_key(events), by_key(expected)
    for key in seen_by.keys() | expected_by.keys():
        check_sequence(seen_by.get(key, []), expected_by.get(key, []), f"{where}, key {key}")


def check_applied(events, truth, where):
    """The last event of each key is the row, as far as it gives its columns; a truncate is of all rows before it."""
    rows = {}
    for event in events:
        if event.op == "t":
            rows.clear()
        elif event.after is None:
            rows.pop(event.key, None)
        else:
            before = rows.get(event.key, {})
            rows[event.key] = {**event.after, **{name: before.get(name, UNCHANGED_VALUE) for name, cell in event.after.items() if cell is UNCHANGED_VALUE}}
    if rows.keys() != truth.keys():
        raise AssertionError(f"{where}: missing {list(truth.keys() - rows.keys())[:5]}, too many {list(rows.keys() - truth.keys())[:5]}")
    for key, row in truth.items():
        wrong = [(name, str(rows[key].get(name))[:80], str(value)[:80]) for name, value in row.items()
                 if rows[key].get(name) is not UNCHANGED_VALUE and rows[key].get(name) != value]
        if wrong:
            raise AssertionError(f"{where}: {key}: (column, copy, table) {wrong[:3]}")


def show(event):
    return f"{event.op} {event.key} {str(event.after)[:200]}"
