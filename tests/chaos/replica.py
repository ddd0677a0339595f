"""Tables as a reader of changes holds them, and what the reader must never meet."""

from chaos.workload import KEYS
from support.test_decoding import UNCHANGED_VALUE


class Mismatch(AssertionError):
    """The copy is not the table; `table` and `key` of the first row that differs."""

    def __init__(self, text, table, key):
        super().__init__(text)
        self.table, self.key = table, key


class Replica:
    """Rows by key; apply() is strict: an insert of a key that is there, or a change of one that is not, is an error.

    `lenient` (while a snapshot is read, changes may come for rows that were not read yet, and a row may be read after its change):
    a change of a row that is not there makes it, and a row read stands in the place of what is known.
    """

    def __init__(self, lenient=False):
        self.rows = {table: {} for table in KEYS}
        self.by_rid = {table: {} for table in KEYS}
        self.lenient = lenient

    def apply(self, op, table, new, old_key=None):
        """`new`: column -> value (UNCHANGED_VALUE keeps what is there); old_key: of a delete, or of an update where it is known."""
        rows = self.rows[table]
        if op == "truncate":
            rows.clear()
            self.by_rid[table].clear()
        elif op == "delete":
            gone = rows.pop(old_key, None)
            if gone is None and not self.lenient:
                raise AssertionError(f"{table}: delete of {old_key}, which is not there")
            if gone is not None:
                self.by_rid[table].pop(gone.get("rid"), None)
        else:
            self.put(op, table, new, old_key)

    def put(self, op, table, new, old_key):
        rows, rids = self.rows[table], self.by_rid[table]
        key = tuple(new[column] for column in KEYS[table])
        before = {}
        if op == "update":
            where = old_key or rids.get(new["rid"])
            before = rows.pop(where, None)
            if before is None and not self.lenient:
                raise AssertionError(f"{table}: update of {where or new['rid']}, which is not there")
            before = before or {}
        elif key in rows and not self.lenient:
            raise AssertionError(f"{table}: {op} of {key}, which is there already")
        elif key in rows:
            rids.pop(rows[key].get("rid"), None)
        row = {**before, **{name: value for name, value in new.items() if value is not UNCHANGED_VALUE}}
        rows[key] = row
        rids[row.get("rid")] = key

    def value(self, table, rid, column):
        """What the row `rid` holds in `column`."""
        return self.rows[table].get(self.by_rid[table].get(rid), {}).get(column)

    def compare(self, truth, where):
        """`truth`: table -> {key: {column: value}}; columns that the table no longer has are of no interest."""
        for table, rows in truth.items():
            mine = self.rows[table]
            lost, strange = [key for key in rows if key not in mine], [key for key in mine if key not in rows]
            if lost or strange:
                raise Mismatch(f"{where}: {table} has {len(rows)} rows, the copy {len(mine)}; missing {len(lost)} {lost[:5]}, too many "
                               f"{len(strange)} {strange[:5]}", table, (lost or strange)[0])
            for key, row in rows.items():
                wrong = [(name, str(mine[key].get(name))[:80], str(value)[:80]) for name, value in row.items() if mine[key].get(name) != value]
                if wrong:
                    raise Mismatch(f"{where}: {table} {key}: (column, copy, table) {wrong[:3]}", table, key)
