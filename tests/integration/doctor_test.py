"""`sluice doctor` from the command line: exit codes, text and JSON."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402
from support.kafka import Kafka  # noqa: E402
from support.postgres import Postgres  # noqa: E402

PIPELINE = """
name: shop
source:
  postgres_cdc: {url: "%s", tables: [public.orders], snapshot: never}
sink: {discard: {}}
"""


class Doctor(unittest.TestCase):
    def test_exit_codes_and_json(self):
        with Postgres() as server, Workspace() as work:
            work.write("p.yaml", PIPELINE % server.url)
            missing = work.command("doctor", "p.yaml")
            self.assertEqual(2, missing.returncode, missing.stderr)
            self.assertIn("error[table_missing] public.orders", missing.stdout)
            server.sql("create table orders (v int);")
            found = work.command("doctor", "p.yaml", "--json")
            self.assertEqual(2, found.returncode, found.stderr)
            report = json.loads(found.stdout)
            self.assertEqual(1, report["version"])
            error, = [finding for finding in report["findings"] if finding["severity"] == "error"]
            self.assertEqual(("no_replica_identity", "public.orders", "shop", "source", "postgres_cdc"),
                             tuple(error[key] for key in ("code", "subject", "pipeline", "kind", "type")))
            server.sql(error["mend"])
            good = work.command("doctor", "p.yaml")
            self.assertEqual(0, good.returncode, good.stdout)
            self.assertNotIn("sluice@", good.stdout)  # the password

    def test_kafka(self):
        with Kafka() as kafka, Workspace() as work:
            config = 'name: shop\nsource: {generator: {dataset: orders}}\nsink:\n  kafka: {brokers: "%s", topic: %s, format: json%s}\n'
            work.write("p.yaml", config % (kafka.bootstrap, "orders", ""))
            missing = work.command("doctor", "p.yaml")
            self.assertEqual(2, missing.returncode, missing.stdout)
            self.assertIn("error[topic_unknown] topic orders", missing.stdout)
            self.assertIn("note[topic_will_be_created] topic __sluice_progress.shop", missing.stdout)
            work.write("created.yaml", config % (kafka.bootstrap, "orders", ", create_topics: true"))
            self.assertEqual(0, work.command("doctor", "created.yaml").returncode)
            work.write("template.yaml", config % (kafka.bootstrap, '"shop.${meta.table}"', ""))
            self.assertIn("note[topics_by_template]", work.command("doctor", "template.yaml").stdout)
            names = kafka.tool("org.apache.kafka.tools.TopicCommand", "--list").split()
            self.assertNotIn("orders", names)  # asking does not create it, although the broker creates topics by itself
            kafka.create_topic("orders")
            kafka.create_topic("__sluice_progress.shop", partitions=2, cleanup_policy="delete")
            there = work.command("doctor", "p.yaml")
            self.assertEqual(2, there.returncode, there.stdout)
            self.assertIn("error[progress_not_compacted]", there.stdout)
            self.assertIn("error[progress_partitions]", there.stdout)
            kafka.delete_topic("__sluice_progress.shop")
            good = work.command("doctor", "p.yaml")
            self.assertEqual(0, good.returncode, good.stdout)
            work.write("away.yaml", config % ("127.0.0.1:9", "orders", ""))
            away = work.command("doctor", "away.yaml")
            self.assertEqual(2, away.returncode)
            self.assertIn("error[broker_unreachable] brokers", away.stdout)

    def test_a_wrong_file_and_a_component_without_checks(self):
        with Workspace() as work:
            work.write("bad.yaml", "name: x\nsource: {generatr: {}}\nsink: {discard: {}}\n")
            self.assertEqual(2, work.command("doctor", "bad.yaml").returncode)
            work.write("good.yaml", "name: x\nsource: {generator: {dataset: orders}}\nsink: {discard: {}}\n")
            good = work.command("doctor", "good.yaml")
            self.assertEqual(0, good.returncode)
            self.assertIn("nothing to look at", good.stdout)


if __name__ == "__main__":
    testing.main()
