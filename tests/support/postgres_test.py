"""The servers that the other tests stand on: every version starts, takes logical replication and stops."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import postgres, testing  # noqa: E402


class Versions(unittest.TestCase):
    def check(self, version, expected):
        with postgres.Postgres(version) as server:
            self.assertEqual(server.sql("show server_version")[0][0].split(".")[0], expected)
            server.sql("create table t (id int primary key); create extension hstore; create extension citext; create extension ltree")
            server.sql("select pg_create_logical_replication_slot('s', 'pgoutput')")

    def test_debian(self):
        with postgres.Postgres() as server:
            server.sql("select pg_create_logical_replication_slot('w', 'wal2json')")
            self.assertEqual(server.sql("select count(*) from pg_available_extensions where name = 'postgis'"), [["1"]])

    def test_13(self):
        self.check("13", "13")

    def test_14(self):
        self.check("14", "14")

    def test_16(self):
        self.check("16", "16")

    def test_17(self):
        self.check("17", "17")

    def test_18(self):
        self.check("18", "18")

    def test_vector(self):
        with postgres.Postgres("16-vector") as server:
            server.sql("create extension vector")
            self.assertEqual(server.sql("select '[1,2]'::vector"), [["[1,2]"]])


if __name__ == "__main__":
    testing.main()
