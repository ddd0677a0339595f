"""The books (G12): in + created = filtered + deduplicated + dead_lettered + skipped + out + in_flight, at any moment and at the end."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import outputs, testing  # noqa: E402
from support.daemon import Workspace, balance  # noqa: E402

PIPELINE = """
name: orders
source:
  generator: {dataset: orders, count: %d, rate: 40000/s, seed: 3, broken: 2%%}
transforms:
  - filter: this.status != "test"
  - cast:
      total: double
sinks:
  all:
    sqlite: {path: all.db, table: orders}
  large:
    when: this.total > 50.0
    file: {path: lake/, format: json}
checkpoint: {every: 50ms}
"""
COUNT = 60000


class Books(unittest.TestCase):
    def test_balance_at_every_moment(self):
        with Workspace() as work:
            work.write("p.yaml", PIPELINE % COUNT)
            daemon = work.start("p.yaml")
            last = self.settle(daemon)
            self.assertEqual({"all", "large"}, set(last))
            self.assertEqual(len(outputs.rows(work.path / "all.db", "select id from orders")), last["all"]["out"])
            self.assertGreater(last["all"]["dead_lettered"], 0)
            self.assertGreater(last["large"]["filtered"], last["all"]["filtered"], "a sink's `when` counts as filtered")
            self.check_metrics(daemon, last)
            self.check_letters(work, daemon, last)
            daemon.terminate()
            self.assertEqual(len(outputs.lake_records(work.path / "lake")), last["large"]["out"])

    def settle(self, daemon):
        """Scrapes until all has come through; every scrape balances."""
        scrapes = []

        def done():
            books = daemon.books("orders")
            for sink, lane in books.items():
                self.assertEqual(0, balance(lane), f"{sink}: {lane}")
            scrapes.append(books)
            return books and all(lane["in"] == COUNT and lane["in_flight"] == 0 for lane in books.values())

        testing.wait_for(done, 60, "all records committed")
        self.assertTrue(any(lane["in_flight"] for books in scrapes for lane in books.values()), "no scrape met the pipeline at work")
        return scrapes[-1]

    def check_letters(self, work, daemon, books):
        """Every letter is open once every lane has passed it (G20), and the gauge says how many wait."""
        def states():
            return outputs.rows(work.data / "orders" / "dead_letters.db",
                                "select case when (d.major, d.minor) <= (l.settled_major, l.settled_minor) then 'open' else 'pending' end, count(*)"
                                " from dead_letters d join lots l on l.id = d.lot where d.state = 0 group by 1")

        testing.wait_for(lambda: dict(states()).keys() == {"open"}, 10, "all letters open")
        letters = dict(states())["open"]
        self.assertGreaterEqual(letters, books["all"]["dead_lettered"])

        def gauge(name):
            return [value for (metric, labels), value in daemon.metrics().items() if metric == name and ("pipeline", "orders") in labels]

        testing.wait_for(lambda: gauge("sluice_dead_letters_stored") == [letters], 10, "the gauge follows")
        self.assertGreater(gauge("sluice_dead_letters_oldest_timestamp_seconds")[0], 1.6e9)

    def check_metrics(self, daemon, books):
        series = daemon.metrics()

        def total(name, component):
            return sum(value for (metric, labels), value in series.items()
                       if metric == name and ("component", component) in labels and ("component_kind", "sink") in labels)

        for sink, lane in books.items():
            self.assertEqual(lane["out"], total("sluice_records_out_total", sink))
            self.assertEqual(0, total("sluice_records_in_flight", sink))


if __name__ == "__main__":
    testing.main()
