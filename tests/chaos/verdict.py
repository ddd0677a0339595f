"""What must hold of the records that a sink was left with, against what the server's own decoding says happened.

G1 each name once; G3, G5 order and nothing lost; G16 what the log left out; G17 a change of key is one update; G13-G15 a snapshot's
rows and the stream after it make the table.
"""

import dataclasses

from chaos import values
from chaos.replica import Mismatch, Replica
from chaos.workload import KEYS
from support.test_decoding import UNCHANGED_VALUE


@dataclasses.dataclass
class Seen:
    """One record as a reader of the sink finds it."""

    op: str
    table: str
    row: dict  # column -> value of the sink's format
    unchanged: tuple
    partition: str  # of the source; "snapshot.../<table>" or the log's
    order: tuple  # (major, minor, sub)
    place: str  # where the reader's order holds: a folder, a topic's partition
    key: str = None  # of the message, where the sink has one

    @property
    def of_snapshot(self):
        return self.partition.startswith("snapshot")

    def name(self):
        return f"{self.op} of {self.table} {self.partition}/{'/'.join(map(str, self.order))}"


def from_json_record(record, place, key=None):
    """A record of `format: json`; COMPONENTS names the fields of `_meta`."""
    row = dict(record)
    meta = row.pop("_meta")
    parts = meta["id"].split("/")
    snapshot = parts[1].startswith("snapshot")
    head = 3 if snapshot else 4  # source/snapshot/table or source/system/timeline/database
    return Seen(meta["op"], meta["table"], row, tuple(meta.get("unchanged", ())), "/".join(parts[1:head]), tuple(map(int, parts[head:])), place, key)


@dataclasses.dataclass
class Before:
    """What a row was, as far as a change leaves it out."""

    values: dict

    def value(self, _table, _rid, name):
        return self.values[name]


class Verdict:
    """`transactions` of support/test_decoding, `truth` and `kinds` of the tables at the end."""

    def __init__(self, transactions, truth, kinds, with_snapshot):
        self.changes = [(number, change) for number, transaction in enumerate(transactions) for change in transaction.changes
                        if change.table.removeprefix("public.") in KEYS]
        self.truth, self.with_snapshot = truth, with_snapshot
        self.kinds = dict(kinds)
        for _, change in self.changes:
            for column, (kind, _) in {**change.old, **change.new}.items():
                self.kinds[(table_of(change), column)] = kind
        self.check_the_oracle()

    def check_the_oracle(self):
        """The second opinion, played, is the table: else this program is wrong."""
        replica = Replica()
        for _, change in self.changes:
            play(change, replica)
        replica.compare(self.truth, "test_decoding's changes")

    # ---- a sink that keeps every change --------------------------------------------------------------------------
    def check_changes(self, seen, where, one_order=True):
        """`seen` in the reader's order; one_order False: it holds only per key, so a table's records are played by their names instead."""
        check_names(seen, where)
        check_order(seen, where)
        stream = sorted((record for record in seen if not record.of_snapshot), key=lambda record: record.order)
        self.check_sequence(stream, where)
        self.check_applied(seen if one_order else stream, where)

    def check_sequence(self, stream, where):
        """Change by change the same as the second opinion's."""
        if self.with_snapshot:
            return self.check_tail(stream, where)
        expected, start = self.changes, 0
        replica, majors = Replica(), {}
        for _, change in expected[:start]:
            play(change, replica)
        for index, (transaction, change) in enumerate(expected[start:]):
            if index >= len(stream):
                raise AssertionError(f"{where}: {len(stream)} changes, the server decoded {len(expected) - start}; the first lost is "
                                     f"{describe(change)} (transaction {transaction})")
            record = stream[index]
            difference = self.difference(record, change, replica)
            if difference:
                raise AssertionError(f"{where}: change {index} of {len(expected) - start} is {record.name()}, the server decoded {describe(change)}: {difference}")
            if majors.setdefault(record.order[0], transaction) != transaction:
                raise AssertionError(f"{where}: {record.name()} shares its transaction with another's changes")
            play(change, replica)
        if len(stream) > len(expected) - start:
            raise AssertionError(f"{where}: {len(stream)} changes, the server decoded {len(expected)}; the first too many is {stream[len(expected)].name()}")

    def check_tail(self, stream, where):
        """After a snapshot: the last changes, in their order.  Updates may be missing among them, or be the delete of an old key: those that
        lacked columns, of rows that a later chunk has read after a crash (G15, decision 30).  That the table comes out is check_applied's."""
        replica, known = Replica(), []
        for _, change in self.changes:
            known.append(Before({name: replica.value(table_of(change), int(change.new["rid"][1]), name)
                                 for name, (_, text) in change.new.items() if text is UNCHANGED_VALUE}))
            play(change, replica)
        position = len(self.changes)
        for record in reversed(stream):
            while True:
                position -= 1
                if position < 0:
                    raise AssertionError(f"{where}: {record.name()} is none of the changes that the server decoded, or out of their order")
                change = self.changes[position][1]
                difference = self.difference(record, change, known[position])
                moved = change.op == "update" and record.op == "delete" and record.table == table_of(change)
                if not difference or moved:
                    break
                if change.op != "update":
                    raise AssertionError(f"{where}: {record.name()} stands where the server decoded {describe(change)}: {difference}")

    def difference(self, record, change, replica):
        """Why the record is not that change; empty if it is."""
        table = table_of(change)
        if (record.op, record.table) != (change.op, table):
            return "another change"
        if change.op == "truncate":
            return ""
        row = self.decoded(record)
        if change.op == "delete":
            old = {name: values.from_text(kind, text) for name, (kind, text) in change.old.items()}
            given = {name: value for name, value in row.items() if value is not None}
            return "" if given == old else f"{given} for {old}"
        names = set(row) | set(record.unchanged)
        if names != set(change.new) or len(names) != len(row) + len(record.unchanged):
            return f"columns {sorted(names)} for {sorted(change.new)}"
        for name, (kind, text) in change.new.items():
            left_out = text is UNCHANGED_VALUE
            if name in record.unchanged:
                if not left_out:
                    return f"{name} is called unchanged"
                continue
            value = replica.value(table, int(change.new["rid"][1]), name) if left_out else values.from_text(kind, text)
            if row[name] != value:
                return f"{name} is {str(row[name])[:100]!r} for {str(value)[:100]!r}"
        return ""

    def decoded(self, record):
        return {name: values.from_json(self.kinds[(record.table, name)], value) for name, value in record.row.items()}

    def check_applied(self, seen, where):
        """In the order of the reader, the topic makes the table."""
        replica = Replica(lenient=self.with_snapshot)
        for record in seen:
            row = self.decoded(record)
            if record.op == "delete":
                replica.apply("delete", record.table, {}, tuple(row[column] for column in KEYS[record.table]))
            elif record.op == "truncate":
                replica.apply("truncate", record.table, {})
            else:
                replica.apply(record.op, record.table, {**row, **{name: UNCHANGED_VALUE for name in record.unchanged}})
        try:
            replica.compare(self.truth, f"{where}, applied")
        except Mismatch as wrong:
            raise AssertionError(f"{wrong}\n{self.history(seen, wrong.table, wrong.key)}") from None

    def history(self, seen, table, key):
        """The last records of a row, in the reader's order."""
        row = self.truth[table].get(key)
        rid = row["rid"] if row else None
        lines = []
        for record in seen:
            mine = record.table == table and (record.op == "truncate" or (rid is not None and record.row.get("rid") == rid)
                                              or all(record.row.get(column) == part for column, part in zip(KEYS[table], key)))
            if mine:
                lines.append(f"  {record.name()} unchanged {list(record.unchanged)} {str({k: str(v)[:30] for k, v in record.row.items()})[:300]}")
        return "\n".join(lines[-12:])

    # ---- a sink that keeps the last state ------------------------------------------------------------------------
    def check_copy(self, table, rows, where):
        """`rows`: dicts of the copy, raw cells."""
        copy = {}
        for row in rows:
            cells = {name: values.from_sqlite(self.kinds[(table, name)], value) for name, value in row.items() if (table, name) in self.kinds}
            copy[tuple(cells[column] for column in KEYS[table])] = cells
        replica = Replica()
        replica.rows[table] = copy
        replica.compare({table: self.truth[table]}, where)


def check_names(seen, where):
    """G1: each record once."""
    met = {}
    for record in seen:
        name = (record.partition, record.order)
        if name in met:
            raise AssertionError(f"{where}: doubled {record.name()}, in {met[name]} and {record.place}")
        met[name] = record.place


def check_order(seen, where):
    """Within a place the records of one partition follow their positions, and a key stays in its place."""
    last, homes = {}, {}
    for record in seen:
        before = last.get((record.place, record.partition))
        if before and before.order >= record.order:
            raise AssertionError(f"{where}: {record.name()} stands behind {before.name()} in {record.place}")
        last[(record.place, record.partition)] = record
        if record.key is not None and homes.setdefault((record.table, record.key), record.place) != record.place:
            raise AssertionError(f"{where}: key {record.key} of {record.table} is in {homes[(record.table, record.key)]} and {record.place}")


def play(change, replica):
    new = {name: text if text is UNCHANGED_VALUE else values.from_text(kind, text) for name, (kind, text) in change.new.items()}
    old = {name: values.from_text(kind, text) for name, (kind, text) in change.old.items()}
    table = table_of(change)
    replica.apply(change.op, table, new, tuple(old[column] for column in KEYS[table]) if old else None)


def table_of(change):
    return change.table.removeprefix("public.")


def describe(change):
    return f"{change.op} of {change.table} {str({name: text for name, (_, text) in (change.new or change.old).items()})[:200]}"
