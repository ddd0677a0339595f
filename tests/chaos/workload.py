"""A random write load that is a function of its seed: the same seed writes the same statements in the same order per writer.

The statements know nothing of the tables' content: they hit a small space of keys (`on conflict do nothing`, updates that may find
nothing), so that nothing has to be remembered, a transaction that the server broke off spoils nothing, and a server may restart in
the middle.  What really happened is asked of the server afterwards (support/test_decoding.py), not of this program.

Every table has `rid`, given once by the server and never changed, so that a reader can follow a row through a change of its key.
"""

import os
import random
import subprocess
import threading
import time

from support.database import ENVIRONMENT

TABLES = """
create table items (id bigint primary key, rid bigserial, name varchar(20), small smallint, total numeric(12,2), note text, active boolean,
                    changed timestamptz);
alter table items alter column note set storage external;
create table accounts (region text, number int, rid bigserial, balance double precision, data jsonb, note text, primary key (region, number));
alter table accounts replica identity full;
alter table accounts alter column note set storage external;
create table documents (rid bigserial, code uuid not null, title varchar(40), body bytea, tags int[], primary key (rid));
create unique index documents_code on documents (code);
alter table documents replica identity using index documents_code;
alter table documents alter column body set storage external;
create table journal (rid bigserial, writer int, what text, at timestamptz);
alter table journal replica identity full;
create table unrelated (id bigserial, what text);
create table marker (id bigint primary key, rid bigserial);
"""
WATCHED = ("items", "accounts", "documents", "journal", "marker")
# The key of a row's messages: what the replica identity says.
KEYS = {"items": ("id",), "accounts": ("region", "number"), "documents": ("code",), "journal": ("rid",), "marker": ("id",)}
KEY_SPACE = 60
BULK = 1_000_000  # keys from here on are of bulk loads, each used once
TYPES = ("int", "text", "numeric(10,3)", "smallint", "varchar(10)", "timestamptz", "boolean")
WIDER = {"small": ("int", "bigint"), "name": ("varchar(60)", "text"), "title": ("varchar(200)", "text")}


class Statements:
    """The transactions of one writer.  Writer 0 alone changes the tables' shape."""

    def __init__(self, seed, number, huge=0.0):
        self.chance = random.Random(f"{seed}/{number}")
        self.number, self.huge = number, huge
        self.bulk = BULK * (1 + number)
        self.columns = {"items": [], "accounts": [], "documents": [], "journal": []}
        self.made = 0
        self.width = {column: 0 for column in WIDER}

    # ---- transactions ----------------------------------------------------------------------------------------------
    def transaction(self):
        """SQL of one transaction."""
        kind = self.chance.random()
        if kind < self.huge:
            return self.whole([self.bulk_insert("items", 100_000)])
        if kind < 0.01:
            return self.whole([self.bulk_load(self.chance.choice((2_000, 5_000, 10_000)))])
        if kind < 0.08:
            return self.whole([self.bulk_load(self.chance.choice((100, 400, 1_000)))])
        if kind < 0.14:
            return self.whole([f"delete from items where id >= {BULK};"])
        if kind < 0.155:
            return self.whole([self.truncate()])
        if kind < 0.20 and self.number == 0:
            return self.whole([*self.changes(2), self.alter(), *self.changes(3)])
        return self.whole(self.changes(self.chance.choice((1, 1, 1, 2, 3, 5, 5, 20, 40))))

    def whole(self, statements):
        """begin .. commit around them, now and then rolled back, with savepoints between."""
        columns, width = {table: list(names) for table, names in self.columns.items()}, dict(self.width)
        if self.chance.random() < 0.15:
            at = self.chance.randrange(len(statements) + 1)
            end = "rollback to" if self.chance.random() < 0.6 else "release"
            statements[at:at] = ["savepoint a;", *self.changes(self.chance.choice((1, 3, 30))), "savepoint b;", *self.changes(1),
                                 f"{end} b;", *self.changes(1), f"{self.chance.choice(('rollback to', 'release'))} a;"]
        if self.chance.random() < 0.1:
            self.columns, self.width = columns, width
            return "\n".join(["begin;", *statements, "rollback;"])
        return "\n".join(["begin;", *statements, "commit;"])

    def changes(self, count):
        return [self.chance.choice((self.items, self.items, self.accounts, self.documents, self.journal, self.unrelated))() for _ in range(count)]

    # ---- one table each --------------------------------------------------------------------------------------------
    def items(self):
        key, kind = self.key(), self.chance.random()
        if kind < 0.35:
            return (f"insert into items (id, name, small, total, note, active, changed) values ({key}, {self.text(20)}, {self.chance.randrange(9999)}, "
                    f"{self.chance.randrange(10**7)} / 100.0, {self.large()}, {self.chance.random() < 0.5}, clock_timestamp()) on conflict do nothing;")
        if kind < 0.60:
            return f"update items set total = total + 0.01, changed = clock_timestamp(){self.extra('items')} where id = {key};"
        if kind < 0.68:
            return f"update items set note = {self.large()} where id = {key};"
        if kind < 0.76:
            return f"update items set active = not active, name = {self.text(20)} where id % 7 = {key % 7} and id < {BULK};"
        if kind < 0.88:
            other = self.key()
            return f"update items set id = {other} where id = {key} and not exists (select from items where id = {other});"
        if kind < 0.91:
            return f"update items set id = id + {BULK // 2} where id between {key} and {key + 3};"
        return f"delete from items where id = {key};"

    def accounts(self):
        key, kind = self.chance.choice(("eu", "us", "a'p")).replace("'", "''"), self.chance.random()
        number = self.key() % 12
        if kind < 0.4:
            return (f"insert into accounts (region, number, balance, data, note) values ('{key}', {number}, {self.chance.uniform(-1e6, 1e6)!r}, "
                    f"{self.json()}, {self.large()}) on conflict do nothing;")
        if kind < 0.7:
            return f"update accounts set balance = balance * 1.1{self.extra('accounts')} where region = '{key}' and number = {number};"
        if kind < 0.8:
            return f"update accounts set data = {self.json()}, note = {self.large()} where number = {number};"
        if kind < 0.9:
            return f"update accounts set number = number + 12 where region = '{key}' and number between {number} and {number + 2};"
        return f"delete from accounts where region = '{key}' and number > {number + 6};"

    def documents(self):
        code, kind = self.code(), self.chance.random()
        if kind < 0.45:
            body = self.chance.choice(("null", "'\\x00ff41'", f"decode(repeat('0a1b2c', {self.chance.randrange(1, 1500)}), 'hex')"))
            return (f"insert into documents (code, title, body, tags) values ('{code}', {self.text(40)}, {body}, "
                    f"{self.chance.choice(('null', 'array[]::int[]', 'array[1,2,null]', 'array[7]'))}) on conflict do nothing;")
        if kind < 0.75:
            return f"update documents set title = {self.text(40)}{self.extra('documents')} where code = '{code}';"
        if kind < 0.87:
            other = self.code()
            return f"update documents set code = '{other}' where code = '{code}' and not exists (select from documents where code = '{other}');"
        return f"delete from documents where code = '{code}';"

    def journal(self):
        kind = self.chance.random()
        if kind < 0.8:
            return f"insert into journal (writer, what, at) values ({self.number}, {self.text(200)}, now());"
        if kind < 0.9:
            return (f"update journal set what = {self.text(200)}{self.extra('journal')} where rid in (select rid from journal where writer = {self.number} "
                    f"order by rid desc limit 2);")
        return f"delete from journal where rid in (select rid from journal where writer = {self.number} order by rid limit 3);"

    def unrelated(self):
        if self.chance.random() < 0.5:
            return f"insert into unrelated (what) values ({self.text(30)});"
        return f"select pg_logical_emit_message({self.chance.choice(('true', 'false'))}, 'chaos', 'nobody asked');"

    # ---- many rows -------------------------------------------------------------------------------------------------
    def bulk_load(self, rows):
        return self.bulk_insert("items", rows) if self.chance.random() < 0.5 else self.copy(rows)

    def bulk_insert(self, table, rows):
        first = self.take(rows)
        return (f"insert into {table} (id, name, total, active) select i, 'bulk ' || i, i / 4.0, i % 2 = 0 "
                f"from generate_series({first}, {first + rows - 1}) i;")

    def copy(self, rows):
        """One record of the log carries many rows of it, all under one LSN."""
        if self.chance.random() < 0.5:
            first = self.take(rows)
            return f"copy items (id, name, small) from program $$seq -f '%.0f,copied,{rows % 1000}' {first} {first + rows - 1}$$ csv;"
        return f"copy journal (writer) from program 'yes {self.number} | head -n {rows}';"

    def take(self, rows):
        first, self.bulk = self.bulk, self.bulk + rows
        return first

    def truncate(self):
        return f"truncate {self.chance.choice(('items', 'accounts', 'documents', 'journal', 'documents, journal'))};"

    # ---- shape -----------------------------------------------------------------------------------------------------
    def alter(self):
        table = self.chance.choice(tuple(self.columns))
        kind = self.chance.random()
        if kind < 0.5 or (kind < 0.75 and not self.columns[table]):
            self.made += 1
            column = (f"extra_{self.made}", self.chance.choice(TYPES))  # a name is used once: a reader keeps what a dropped column held
            self.columns[table].append(column)
            return f"alter table {table} add column {column[0]} {column[1]};"
        if kind < 0.75:
            column = self.columns[table].pop(self.chance.randrange(len(self.columns[table])))
            return f"alter table {table} drop column if exists {column[0]};"
        column = self.chance.choice(tuple(WIDER))
        wider = WIDER[column][min(self.width[column], 1)]
        self.width[column] += 1
        return f"alter table {'documents' if column == 'title' else 'items'} alter column {column} type {wider};"

    def extra(self, table):
        """", column = value" for a column that was added, or nothing."""
        if not self.columns[table] or self.chance.random() < 0.3:
            return ""
        name, kind = self.chance.choice(self.columns[table])
        value = {"int": str(self.chance.randrange(10**9)), "smallint": str(self.chance.randrange(1000)), "timestamptz": "clock_timestamp()",
                 "boolean": "true", "numeric(10,3)": f"{self.chance.randrange(10**6)}.125"}.get(kind) or self.text(10)
        return f", {name} = {self.chance.choice((value, value, 'null'))}"

    # ---- values ----------------------------------------------------------------------------------------------------
    def key(self):
        return self.chance.randrange(1, KEY_SPACE)

    def code(self):
        return f"00000000-0000-4000-8000-{self.key() % 25:012}"

    def text(self, limit):
        words = self.chance.choice(("plain", "it's", 'a "quote"', "back\\slash", "two\nlines", "tab\there", "grün", "日本", "", "x: y[text]:'z'", "null"))
        return "'" + f"{words} {self.chance.randrange(10**6)}"[:limit].replace("'", "''") + "'"

    def large(self):
        """Often too long for its row: then an update of another column leaves it out of the log (G16)."""
        return self.chance.choice(("null", "'short'", f"repeat('{self.chance.choice('xyz')}', {self.chance.randrange(2100, 9000)})", "repeat('long ', 500)"))

    def json(self):
        return self.chance.choice(("null", f"'{{\"n\": {self.chance.randrange(10**6)}, \"deep\": [1, {{\"a\": null}}]}}'", "'[]'", "'\"text\"'", "'7'"))


class Writer(threading.Thread):
    """Plays the transactions of one Statements through psql, a new one whenever the server broke the last off."""

    MARK = "--answered--"

    def __init__(self, url, seed, number, transactions, pause, huge=0.0):
        super().__init__(daemon=True)
        self.url, self.number, self.transactions, self.pause = url, number, transactions, pause
        self.statements = Statements(seed, number, huge)
        self.played = self.failed = self.lost_sessions = 0
        self.error = None
        self.stop = threading.Event()
        self.process = None

    def run(self):
        try:
            for _ in range(self.transactions):
                if self.stop.is_set():
                    break
                self.play(self.statements.transaction())
                self.stop.wait(self.statements.chance.expovariate(1 / self.pause))
        except Exception as error:  # noqa: BLE001 - raised by the test that joins
            self.error = error
        finally:
            self.close()

    def play(self, sql):
        """A transaction whose session breaks is not repeated: nobody knows whether it committed, and the server will say."""
        try:
            if self.process is None:
                self.connect()
            self.process.stdin.write(f"{sql}\n\\echo\n\\echo {self.MARK}\n")
            self.process.stdin.flush()
            self.answer()
            self.played += 1
        except (ConnectionError, BrokenPipeError):
            self.lost_sessions += 1
            self.close()

    def answer(self):
        broken = False
        for line in self.process.stdout:
            if line == self.MARK + "\n":
                self.failed += broken
                return
            broken |= "ERROR:" in line
        raise ConnectionError("psql ended")

    def connect(self):
        deadline = time.monotonic() + 60
        settings = f"-c deadlock_timeout=50ms -c synchronous_commit={'off' if self.number == 1 else 'on'}"
        while True:
            self.process = subprocess.Popen(["psql", self.url, "-X", "-q", "-A", "-t", "-o", os.devnull], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.STDOUT, text=True, env={**ENVIRONMENT, "PGOPTIONS": settings})
            try:
                self.process.stdin.write(f"\\echo {self.MARK}\n")
                self.process.stdin.flush()
                self.answer()
                return
            except (ConnectionError, BrokenPipeError):
                self.close()
                if time.monotonic() > deadline or self.stop.is_set():
                    raise ConnectionError("the server does not come back") from None
                self.stop.wait(0.1)

    def close(self):
        process, self.process = self.process, None
        if process:
            for stream in (process.stdin, process.stdout):
                try:
                    stream.close()
                except OSError:
                    pass
            process.kill()
            process.wait(30)
