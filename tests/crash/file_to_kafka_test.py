"""kill -9 of the daemon and of the broker while JSON lines go to Kafka exactly once.

Read back at read_committed by another client, every record is there once, and in order per key: G1, G4, G5, G6, G24.
"""

import json
import pathlib
import random
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import outputs, testing  # noqa: E402
from support.daemon import Workspace, start_until_killed  # noqa: E402
from support.kafka import Kafka  # noqa: E402

PIPELINE = """
name: %(name)s
source:
  file: {paths: [input/*.jsonl], format: json, mode: once}
sink:
  kafka:
    brokers: %(brokers)s
    topic: %(name)s
    key: [k]
    format: {json: {meta: false}}
    create_topics: {partitions: 3}
checkpoint: {every: 20ms, records: %(commit)d}
queue_bytes: 2MiB
retry: {initial: 10ms, max: 200ms}
"""
KEYS = 40


def committed(daemon, name):
    """Records that the sink has committed; 0 while the pipeline starts."""
    status, text = daemon.get(f"/api/v1/pipelines/{name}/books")
    return json.loads(text)["lanes"][0]["out"] if status == 200 else 0


def write_input(work, count, files=2):
    """`files` files; together n = 0 .. count - 1.  A key's records stand in one file, so they have an order."""
    folder = work.path / "input"
    folder.mkdir(parents=True)
    for index in range(files):
        with open(folder / f"part-{index}.jsonl", "w", encoding="utf-8") as out:
            for n in range(count):
                if n % KEYS % files == index:
                    out.write(json.dumps({"n": n, "k": n % KEYS, "text": "x" * (n % 200)}) + "\n")


def check(test, kafka, topic, count):
    messages = kafka.read(topic)
    records = [json.loads(message["payload"]) for message in messages]
    outputs.check_exactly_once(sorted(record["n"] for record in records), list(range(count)), topic)
    seen = {}
    for message, record in zip(messages, records):
        test.assertEqual({"k": record["k"]}, json.loads(message["key"]))
        partition, last = seen.get(record["k"], (message["partition"], -1))
        test.assertEqual(partition, message["partition"], f"key {record['k']} is in two partitions")
        test.assertGreater(record["n"], last, f"order of key {record['k']}")
        seen[record["k"]] = partition, record["n"]


class KillMinusNine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kafka = Kafka()
        cls.addClassCleanup(cls.kafka.__exit__)
        cls.kafka.start()

    def prepare(self, work, name, count, commit):
        work.write("p.yaml", PIPELINE % {"name": name, "brokers": self.kafka.bootstrap, "commit": commit})
        write_input(work, count)

    def test_at_random_times(self):
        seed = testing.seed()
        print(f"seed {seed}")
        chance = random.Random(seed)
        killed = rounds = 0
        while killed < testing.kills():
            rounds += 1
            with Workspace() as work:
                self.prepare(work, f"random{rounds}", 30000, 500)
                hits = 0
                # A third of the kills come while it starts and recovers, the others while it works.
                while hits < 12 and killed + hits < testing.kills() and start_until_killed(
                        work, "p.yaml", lambda: chance.uniform(0, 0.3 if chance.random() < 0.3 else 1.5), arguments=("--until-done",)):
                    hits += 1
                killed += hits
                work.run_to_end("p.yaml")
                check(self, self.kafka, f"random{rounds}", 30000)
            self.assertLess(rounds, 20 + testing.kills(), "the kills never hit a working daemon")
        print(f"{killed} kills in {rounds} rounds")

    def test_at_every_fault_point(self):
        """SIGKILL at two passages of each durable step, one after the other on the same input."""
        with Workspace() as work:
            self.prepare(work, "traced", 3000, 400)
            environment, passed = work.traced()
            work.run_to_end("p.yaml", environment=environment)
            points = sorted(point for point in passed() if point.startswith("kafka_sink."))
        self.assertGreaterEqual(len(points), 12, points)
        with Workspace() as work:
            self.prepare(work, "points", 30000, 300)
            for point in sorted(points, key=lambda name: "create_topic" not in name):  # topics are created by the first start only
                for passage in (1,) if "create_topic" in point or "init" in point else (1, 2):
                    daemon = work.launch("p.yaml", arguments=("--until-done",), fault_point=f"{point}:{passage}")
                    daemon.wait_exit()
                    self.assertIn(daemon.returncode, (-9,) if "after_create" not in point else (0, -9), f"{point}\n{daemon.log_tail()}")
            work.run_to_end("p.yaml")
            check(self, self.kafka, "points", 30000)
        print(f"{len(points)} points: {' '.join(points)}")

    def test_predecessor_died_inside_its_commit(self):
        """Its open transaction in the progress topic is ended by our own start, not waited for (a minute by default)."""
        with Workspace() as work:
            self.prepare(work, "inherited", 1000, 300)
            work.run_to_end("p.yaml")
            progress = "__sluice_progress.inherited"
            producer = subprocess.Popen(["kcat", "-b", self.kafka.bootstrap, "-P", "-u", "-t", progress, "-K", "|", "-X", "linger.ms=0", "-X",
                                         "transactional.id=sluice.inherited.kafka"], stdin=subprocess.PIPE)
            producer.stdin.write(b"sluice.inherited.kafka/file/unfinished|{}\n" * 4000)  # kcat reads by the block
            producer.stdin.flush()
            arrived = lambda: any(message["key"].endswith("unfinished") for message in self.kafka.read(progress, "read_uncommitted"))
            testing.wait_for(arrived, 20, "a record of an open transaction")
            producer.kill()
            producer.wait(20)
            producer.stdin.close()
            work.run_to_end("p.yaml", seconds=40)
            check(self, self.kafka, "inherited", 1000)

    def test_broker_restarted_under_load(self):
        """The broker goes twice; the daemon outlives it the first time and is killed with it the second time."""
        with Workspace() as work:
            self.prepare(work, "restarts", 400000, 2000)
            daemon = work.launch("p.yaml", arguments=("--until-done",))
            for kill_daemon in (False, True):
                testing.wait_for(lambda: committed(daemon, "restarts") > (20000 if kill_daemon else 4000), 60, "some commits")
                self.assertIsNone(daemon.poll(), "all was done before the broker went")
                self.kafka.stop()
                if kill_daemon:
                    daemon.kill()
                self.kafka.launch()
                self.kafka.wait_up()
            work.run_to_end("p.yaml")
            check(self, self.kafka, "restarts", 400000)


if __name__ == "__main__":
    testing.main()
