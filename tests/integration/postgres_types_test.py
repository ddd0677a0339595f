"""Every type of PostgreSQL and its extensions: the snapshot gives what the stream gives, and nothing of a value is lost (G13-G17).

Each type has a table with its edge values, once inserted before the pipeline starts (read by the snapshot) and once after (read from the
log).  A `file` sink writes them as JSON, an `sqlite` sink upserts them.  In both the two texts of a value must be the same, and given back
to the server as a value of the type (`select '...'::type`) they must be what the row holds, by the server's own text.
"""

import base64
import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from postgres_types import EXCEPTIONS, POSTGIS, SETUP, TYPES, UNTRIED, VECTORS  # noqa: E402
from support import testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402
from support.database import Database  # noqa: E402
from support.outputs import lake_files, lake_records, rows  # noqa: E402
from support.postgres import Postgres  # noqa: E402

PIPELINE = """
name: types
source:
  postgres_cdc: {url: "%s", tables: ["public.t_*"], snapshot: initial}
sinks:
  lines:
    file: {path: lines/, format: json}
%s
checkpoint: {every: 100ms}
"""
COPY = """
  copy:
    sqlite: {path: copy.db, table: "${meta.table}", mode: upsert}
"""
STREAMED = 1000  # what is added to the id of a value's second row
# The text of a value of the type, as the server writes it; an error is an answer, too.
GIVEN_BACK = """
CREATE FUNCTION given_back(value text, type text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
  IF value IS NULL THEN RETURN NULL; END IF;
  EXECUTE format('SELECT format(''%%s'', %L::%s)', value, type) INTO answer;
  RETURN answer;
EXCEPTION WHEN OTHERS THEN RETURN 'error: ' || sqlerrm;
END $$;
"""


BLANKS = re.compile(r"[ \t]*")  # around a JSON value that the database spells


def literal(text):
    return "null" if text is None else "'" + text.replace("'", "''") + "'"


def sections(text):
    """The raw text of the values of a JSON object or list: [(key or None, raw text)]."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    at, found, in_object = 1, [], text[0] == "{"
    while text[at] not in "]}":
        key = None
        if in_object:
            key, at = decoder.raw_decode(text, at)
            at += 1
        _, end = decoder.raw_decode(text, BLANKS.match(text, at).end())
        end = BLANKS.match(text, end).end()
        found.append((key, text[at:end]))
        at = end + (text[end] == ",")
    return found


def server_time(text):
    """RFC 3339 with signed years (core/civil_time.h) in the words of the server, which counts years BC."""
    match = re.fullmatch(r"([+-]?)(\d{4,})(-\d\d-\d\d)(?:T([\d:.]+)(Z?))?", text)
    if not match:
        return text
    sign, year, rest, time, zone = match.groups()
    years, era = (1 + int(year), " BC") if sign == "-" or int(year) == 0 else (int(year), "")
    return f"{years:04}{rest}" + (f" {time}" if time else "") + ("+00" if zone else "") + era


def scalar(kind, raw):
    """The server's input for a value that stands in JSON as `raw`; None for null."""
    if kind.form == "json":
        return raw
    if raw == "null":
        return None
    text = json.loads(raw) if raw[0] == '"' else raw
    if kind.form == "bytes":
        return "\\x" + base64.b64decode(text, validate=True).hex()
    return server_time(text) if kind.form == "time" else text


def array(kind, raw):
    items = []
    for _, item in sections(raw):
        if item[0] == "[" and kind.form != "json":
            items.append(array(kind, item))
        elif item == "null":
            items.append("NULL")
        else:
            items.append('"' + re.sub(r'(["\\])', r"\\\1", scalar(kind, item)) + '"')
    return "{" + kind.delimiter.join(items) + "}"


def from_json(kind, raw):
    if raw[0] == "[" and (kind.is_array or kind.name == "prices"):
        return array(kind, raw)
    if raw == "null":  # of `json`, too: the exceptions say so
        return None
    if kind.is_array:
        return json.loads(raw)  # with its bounds
    return scalar(kind, raw)


def from_sqlite(kind, value):
    if value is None:
        return None
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    text = repr(value) if isinstance(value, float) else str(value)
    if kind.is_array or kind.name == "prices":
        return text if re.match(r"\[-?\d+:-?\d+\]", text) else array(kind, text)
    return server_time(text) if kind.form == "time" else text


def running(daemon):
    """True; AssertionError once the daemon or its only pipeline has ended."""
    if daemon.poll() is not None or "stopped failed=true" in daemon.log():
        raise AssertionError(daemon.log_tail())
    return True


def wait_written(daemon, sink, count):
    def written():
        return running(daemon) and daemon.get("/api/v1/pipelines/types/books")[0] == 200 and daemon.books("types")[sink]["out"] >= count

    testing.wait_for(written, 60, f"{count} rows")


class Sample:
    """The tables of one list of types on one server, and what the sinks have of them."""

    def __init__(self, server, types):
        self.database, self.types, self.url = Database(server.url), types, server.url
        self.values = {self.table(n): [None, *kind.values] for n, kind in enumerate(types)}
        self.lines, self.copy = {}, {}

    @staticmethod
    def table(number):
        return f"t_{number:03}"

    def create(self):
        tables = [f"CREATE TABLE {self.table(n)} (id int PRIMARY KEY, v {kind.name});" for n, kind in enumerate(self.types)]
        self.database.run("\n".join(tables))

    def insert(self, first):
        sql = ["BEGIN;"]
        for table, values in self.values.items():
            inserted = ", ".join(f"({first + n}, {literal(value)})" for n, value in enumerate(values))
            sql.append(f"INSERT INTO {table} VALUES {inserted};")
        self.database.run("\n".join([*sql, "COMMIT;"]))

    def run(self):
        with Workspace() as work:
            work.write("types.yaml", PIPELINE % (self.url, COPY))
            self.create()
            self.insert(0)
            count = sum(len(values) for values in self.values.values())
            daemon = work.launch("types.yaml")
            wait_written(daemon, "copy", count)
            self.insert(STREAMED)
            wait_written(daemon, "copy", 2 * count)
            daemon.terminate()
            self.read(work)

    def read(self, work):
        for path in lake_files(work.path / "lines"):
            for line in path.read_bytes().decode().split("\n")[:-1]:
                fields = dict(sections(line))
                meta = json.loads(fields["_meta"])
                number = int(fields["id"])
                wanted = "read" if number < STREAMED else "insert"
                if meta["op"] != wanted or (meta["table"], number) in self.lines:
                    raise AssertionError(f"{line[:300]}: {wanted}, once, was expected")
                self.lines[meta["table"], number] = fields["v"]
        for table in self.values:
            for number, value, stored in rows(work.path / "copy.db", f"SELECT id, v, typeof(v) FROM {table}"):
                self.copy[table, number] = (stored, value)

    def given_back(self):
        """[(type, value, sink, what the row holds, what the sink's text gives)] as the server spells the last two."""
        self.database.run(GIVEN_BACK)
        selects = []
        for number, kind in enumerate(self.types):
            table = self.table(number)
            texts = []
            for at in range(len(self.values[table])):
                texts.append(f"('file', {at}, {literal(from_json(kind, self.lines[table, at]))})")
                texts.append(f"('sqlite', {at}, {literal(from_sqlite(kind, self.copy[table, at][1]))})")
            selects.append(f"SELECT {number}, id, sink, CASE WHEN num_nulls(v) = 1 THEN NULL ELSE format('%s', v) END, "
                           f"given_back(text, {literal(kind.name)}) FROM {table} "
                           f"JOIN (VALUES {', '.join(texts)}) s(sink, id, text) USING (id)")
        for number, at, sink, held, given in self.database.query("\nUNION ALL ".join(selects)):
            yield self.types[int(number)].name, self.values[self.table(int(number))][int(at)], sink, held, given


def short(value):
    return value if value is None or len(value) < 200 else f"{value[:200]}... ({len(value)} characters)"


class PostgresTypes(unittest.TestCase):
    maxDiff = None

    def check(self, server, types):
        sample = Sample(server, types)
        sample.run()
        self.check_snapshot_is_stream(sample)
        lost = {(sink, name, value): (held, given) for name, value, sink, held, given in sample.given_back() if held != given}
        names = {kind.name for kind in types}
        expected = {case for case in EXCEPTIONS if case[1] in names}
        unexpected = [f"{sink}: {name} {short(value)!r}: holds {short(held)!r}, given back {short(given)!r}"
                      for (sink, name, value), (held, given) in lost.items() if (sink, name, value) not in expected]
        self.assertFalse(unexpected, "\n" + "\n".join(unexpected))
        self.assertEqual(expected - set(lost), set(), "exceptions that are none any more")

    def check_snapshot_is_stream(self, sample):
        differences = []
        for sink, seen in (("file", sample.lines), ("sqlite", sample.copy)):
            for number, kind in enumerate(sample.types):
                table = sample.table(number)
                for at, value in enumerate(sample.values[table]):
                    read, streamed = seen.get((table, at)), seen.get((table, at + STREAMED))
                    if read is None or read != streamed:
                        differences.append(f"{sink}: {kind.name} {short(value)!r}: {short(str(read))} from the snapshot, "
                                           f"{short(str(streamed))} from the log")
        self.assertFalse(differences, "\n" + "\n".join(differences))

    def test_every_type_of_the_server_and_its_extensions(self):
        with Postgres() as server:
            server.sql(SETUP)
            types = list(TYPES)
            if server.sql("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'"):
                server.sql("SET client_min_messages = warning; CREATE EXTENSION postgis")
                types += POSTGIS
            self.check_complete(server, types)
            self.check(server, types)

    def check_complete(self, server, types):
        """Every base, range and multirange type that the server knows, or the reason why not."""
        tried = ", ".join(f"({literal(kind.name)})" for kind in types)
        missing = server.sql(f"""SELECT format_type(oid, NULL) FROM pg_type WHERE typtype IN ('b', 'r', 'm') AND typcategory <> 'A'
          AND oid NOT IN (SELECT to_regtype(name) FROM (VALUES {tried}) t(name)) ORDER BY 1""")
        self.assertEqual({name for name, in missing} - UNTRIED, set())

    def test_a_name_is_whole_under_every_key_and_path(self):
        """The snapshot compares a key of citext under a path that finds its operators, which must not shorten what it reads."""
        with Postgres() as server, Workspace() as work:
            server.sql(SETUP)
            server.sql("""CREATE TABLE t_key (id citext, n int, v regclass, PRIMARY KEY (id, n));
              CREATE TABLE t_none (v regclass); ALTER TABLE t_none REPLICA IDENTITY FULL;
              INSERT INTO t_key VALUES ('Read', 1, 'people'); INSERT INTO t_none VALUES ('people');
              ALTER ROLE postgres SET search_path = "Sales eu", public""")
            work.write("types.yaml", PIPELINE % (server.url, ""))
            daemon = work.launch("types.yaml")
            wait_written(daemon, "lines", 2)
            server.sql("INSERT INTO t_key VALUES ('Streamed', 1, 'people'); INSERT INTO t_none VALUES ('people')")
            wait_written(daemon, "lines", 4)
            daemon.terminate()
            seen = sorted((record["_meta"]["table"], record["_meta"]["op"], record["v"]) for record in lake_records(work.path / "lines"))
            self.assertEqual(seen, [(table, op, "public.people") for table in ("t_key", "t_none") for op in ("insert", "read")])

    def test_a_row_that_moves_under_a_key_of_the_users_types(self):
        """While the snapshot is interrupted, a row moves to where it has read already; the log does not have its large column (G15)."""
        with Postgres() as server, Workspace() as work:
            server.sql(SETUP)
            server.sql("""CREATE TABLE t_key (m mood, w word, n int, big text, v regclass, PRIMARY KEY (m, w, n));
              ALTER TABLE t_key ALTER big SET STORAGE external;
              INSERT INTO t_key SELECT 'so so', 'Word', i, repeat('x', 3000), 'people' FROM generate_series(1, 1000) i""")
            work.write("types.yaml", (PIPELINE % (server.url, COPY)).replace("every: 100ms", "every: 5ms, records: 100")
                       .replace("initial", "initial, snapshot_workers: 1, snapshot_chunk_rows: 50"))
            work.launch("types.yaml", fault_point="lane.after_commit:4").wait_exit(-9)
            server.sql("UPDATE t_key SET m = 'sad', w = 'Other' WHERE n = 999")
            daemon = work.launch("types.yaml")
            wanted = [("sad", "Other", 3000, "public.people")]
            query = "SELECT m, w, length(big), v FROM t_key WHERE n = 999"
            testing.wait_for(lambda: running(daemon) and rows(work.path / "copy.db", query) == wanted, 30, "the row with all its columns")

    def test_vectors(self):
        with Postgres("16-vector") as server:
            server.sql("CREATE EXTENSION vector")
            self.check(server, VECTORS)


if __name__ == "__main__":
    testing.main()
