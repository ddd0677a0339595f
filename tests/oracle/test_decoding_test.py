"""Every change as `format: json` writes it is the one that PostgreSQL's own plug-in test_decoding tells: G1, G3, G16, G17.

No trouble here (tests/chaos/ has it): one life of the daemon, a random workload and a table of many types.
"""

import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from chaos.scenario import Options, Scenario  # noqa: E402
from chaos.services import Services  # noqa: E402
from support import outputs, testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402
from support.database import Database  # noqa: E402
from support.test_decoding import Decoded  # noqa: E402

TYPES = """
create type mood as enum ('sad', 'it''s ok');
create type pair as (a int, b text);
create domain small_text as varchar(20);
create table typed (id bigint primary key, c_int smallint, c_bool boolean, c_text text, c_char char(6), c_domain small_text, c_mood mood, c_pair pair,
    c_uuid uuid, c_numeric numeric, c_money money, c_inet inet, c_cidr cidr, c_mac macaddr, c_bits varbit, c_point point, c_box box, c_circle circle,
    c_range int4range, c_ranges int4multirange, c_search tsvector, c_xml xml, c_texts text[], c_ints int[], c_name name);
alter table typed replica identity full;
"""
ROWS = (
    """1, 7, true, 'it''s "x" \\ é', 'ab', 'd', 'sad', (1, 'x y'), 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 1.10, 12.34, '10.1.2.3/24', '10.1.0.0/16',
       '08:00:2b:01:02:03', B'0101', '(1,2)', '(3,4),(1,2)', '<(1,2),3>', '[1,5)', '{[1,3),[5,9)}', 'a:1 cat:2', '<a>b</a>',
       array['x', null, 'a "b" \\ ,{}'], array[1, null, 3], 'n'""",
    """2, -32768, false, '', '', '', 'it''s ok', (null, ''), '00000000-0000-0000-0000-000000000000', 'NaN', -0.01, '::1', '::/0', 'ff:ff:ff:ff:ff:ff', B'',
       '(-1e300,0)', '(0,0),(0,0)', '<(0,0),0>', 'empty', '{}', '', '', '{}', '{}', ''""",
    "3" + ", null" * 24,
    "4, 1, true, repeat('long ', 3000), 'z', 'z', 'sad', null, null, 'Infinity', 0, null, null, null, null, null, null, null, '(,7)', null, null, null, null, null, null",
    "5, 1, true, null, null, null, null, null, null, 123456789012345678901234567890.000000000000000000000000000001" + ", null" * 15,
)
PIPELINE = """
name: typed
source:
  postgres_cdc: {url: "%s", tables: [public.typed], snapshot: never, heartbeat: 200ms}
sink:
  file: {path: lake/, format: json}
"""


class SecondOracle(unittest.TestCase):
    def test_a_random_workload(self):
        with Services() as services:
            scenario = Quiet(testing.seed(), services, Options(sinks=("file",), transactions=60, pause=0.001))
            tally = scenario.run()
            print(f"seed {scenario.seed}: {tally.rows} changes of {tally.transactions} transactions")
            self.assertGreater(tally.rows, 100)

    def test_many_types(self):
        with Services() as services, Workspace() as work:
            database = Database(services.postgres.url)
            database.run(TYPES)
            oracle = Decoded(database.query)
            work.write("p.yaml", PIPELINE % services.postgres.url)
            daemon = work.start("p.yaml")
            slot = "select 1 from pg_replication_slots where slot_name = 'sluice_typed' and confirmed_flush_lsn is not null"
            testing.wait_for(lambda: database.query(slot), 30, "the slot")
            database.run("begin;" + "".join(f"insert into typed values ({row});" for row in ROWS) + "commit;"
                         "update typed set c_int = 8; update typed set id = id + 10 where id = 2; delete from typed;")
            changes = [change for transaction in oracle.transactions() for change in transaction.changes]
            testing.wait_for(lambda: all(lane["out"] >= len(changes) for lane in daemon.books("typed").values()), 30, "all changes committed")
            daemon.terminate()
            records = outputs.lake_records(work.path / "lake")
            self.assertEqual([change.op for change in changes], [record["_meta"]["op"] for record in records])
            for change, record in zip(changes, records):
                self.compare(change, record)

    def compare(self, change, record):
        """What test_decoding wrote as text, sluice wrote as that text or as JSON's number, truth value or list of it."""
        columns = change.new or change.old
        for name, (kind, text) in columns.items():
            with self.subTest(f"{change.op} {record['id']} {name}"):
                self.assertEqual(text, as_text(kind, record[name]))
        nulls = {name for name, value in record.items() if name not in columns and name != "_meta" and value is not None}
        self.assertEqual(set(), nulls, "columns that test_decoding does not know")


def as_text(kind, value):
    """PostgreSQL's text of a value of `format: json`."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "{" + ",".join("NULL" if part is None else quoted(str(part)) for part in value) + "}"
    return str(value)


def quoted(element):
    """PostgreSQL's array text quotes what could be misread."""
    if element and not re.search(r'[\s"\\{},]', element) and element.upper() != "NULL":
        return element
    return '"' + element.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Quiet(Scenario):
    """A scenario in which the daemon lives through."""

    def live_and_die(self, writers):
        for writer in writers:
            writer.join()

    def launch(self):
        self.daemon = self.work.launch("p.yaml")


if __name__ == "__main__":
    testing.main()
