"""The Kafka sink against a real broker: refusals, topics that come and go, fencing, outages, partitions like Java's.

Read back at read_committed by another client (kcat): G5, G6, G24, G30.
"""

import json
import pathlib
import random
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import outputs, testing  # noqa: E402
from support.daemon import Workspace  # noqa: E402
from support.kafka import Kafka  # noqa: E402

GENERATOR = "generator: {dataset: orders, count: %(count)d, seed: 1, broken: 0%%, rate: %(rate)s}"
LINES = "file: {paths: [input/*.jsonl], format: json, mode: %(mode)s}"
PIPELINE = """
name: %(name)s
source:
  %(source)s
sink:
  kafka:
    brokers: %(brokers)s
    topic: %(name)s
    format: {json: {meta: false}}
%(more)s
checkpoint: {every: 50ms, records: 1000}
retry: {initial: 20ms, max: 300ms}
"""


def committed(daemon, name):
    """Records that the sink has committed; 0 while the pipeline starts."""
    status, text = daemon.get(f"/api/v1/pipelines/{name}/books")
    return json.loads(text)["lanes"][0]["out"] if status == 200 else 0


def error_of(daemon, name):
    """Code of the pipeline's last error; None: it had none, or has not started yet."""
    status, text = daemon.get(f"/api/v1/pipelines/{name}")
    error = json.loads(text)["last_error"] if status == 200 else None
    return error and error["code"]


def state_of(daemon, name):
    status, text = daemon.get(f"/api/v1/pipelines/{name}")
    return json.loads(text)["state"] if status == 200 else None


class OneBroker(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kafka = Kafka()
        cls.addClassCleanup(cls.kafka.__exit__)
        cls.kafka.start()

    def pipeline(self, work, name, source, more="", file="p.yaml"):
        work.write(file, PIPELINE % {"name": name, "source": source, "brokers": self.kafka.bootstrap,
                                     "more": "\n".join("    " + line for line in more.strip().splitlines())})

    def lines(self, work, records, name="input/a.jsonl"):
        work.write(name, "".join(json.dumps(record) + "\n" for record in records))

    def check_ids(self, topic, expected):
        seen = [json.loads(message["payload"])["id"] for message in self.kafka.read(topic)]
        outputs.check_exactly_once(sorted(seen), list(expected), topic)

    def test_unknown_topic_is_waited_for(self):
        with Workspace() as work:
            self.pipeline(work, "unknown", GENERATOR % {"count": 500, "rate": "100000/s"})
            daemon = work.launch("p.yaml", arguments=("--until-done",))
            testing.wait_for(lambda: error_of(daemon, "unknown") == "topic_unknown", 30, "topic_unknown")
            self.assertIn("create_topics", daemon.pipeline("unknown")["last_error"]["message"])
            self.kafka.create_topic("unknown", 2)
            daemon.wait_exit(0)
            self.check_ids("unknown", range(1, 501))

    def test_topic_deleted_while_running(self):
        """Its records are gone with it; what was not committed goes into its successor, nothing is skipped between."""
        with Workspace() as work:
            self.kafka.create_topic("deleted")
            self.pipeline(work, "deleted", GENERATOR % {"count": 1000000, "rate": "1000/s"},
                          'properties: {topic.metadata.propagation.max.ms: "500", topic.metadata.refresh.interval.ms: "500"}')
            daemon = work.start("p.yaml")
            testing.wait_for(lambda: committed(daemon, "deleted") > 500, 30, "some commits")
            self.kafka.delete_topic("deleted")
            testing.wait_for(lambda: error_of(daemon, "deleted") == "topic_unknown", 60, "topic_unknown")
            out = committed(daemon, "deleted")
            self.kafka.create_topic("deleted")
            testing.wait_for(lambda: committed(daemon, "deleted") > out + 500, 60, "commits after that")
            daemon.terminate()
            seen = sorted(json.loads(message["payload"])["id"] for message in self.kafka.read("deleted"))
            outputs.check_exactly_once(seen, list(range(out + 1, out + 1 + len(seen))), "the new topic")

    def test_too_large_is_a_dead_letter(self):
        """The broker refuses whole batches; only the records that are too large themselves become dead letters (G5)."""
        chance = random.Random(7)
        large = {n for n in range(1, 401) if n % 97 == 0}
        for delivery in ("exactly_once", "at_least_once"):
            name = "large_" + delivery
            with self.subTest(delivery), Workspace() as work:
                self.kafka.create_topic(name, max_message_bytes=20000)
                self.pipeline(work, name, LINES % {"mode": "once"}, f"delivery: {delivery}\ncompression: none")
                self.lines(work, ({"id": n, "text": "%x" % chance.getrandbits(4 * (30000 if n in large else 500))} for n in range(1, 401)))
                work.run_to_end("p.yaml")
                letters = work.command("dlq", "list", name, "--data-dir", work.data, "--json").stdout.splitlines()
                self.assertEqual(["message_too_large"] * len(large), [json.loads(letter)["code"] for letter in letters])
                seen = [json.loads(message["payload"])["id"] for message in self.kafka.read(name)]
                expected = [n for n in range(1, 401) if n not in large]
                outputs.check_exactly_once(seen if delivery == "exactly_once" else sorted(set(seen)), expected, name)

    def test_compacted_topic_wants_keys(self):
        with Workspace() as work:
            self.kafka.create_topic("compacted", cleanup_policy="compact")
            self.pipeline(work, "compacted", LINES % {"mode": "once"}, "key: [k]")
            self.lines(work, ({"id": n} if n == 50 else {"id": n, "k": n} for n in range(1, 101)))
            work.run_to_end("p.yaml")
            self.check_ids("compacted", [n for n in range(1, 101) if n != 50])

    def test_second_installation_stops(self):
        """Same names, another data directory: it stops as other_instance, the first goes on (G30)."""
        with Workspace() as work:
            self.pipeline(work, "twice", GENERATOR % {"count": 1000000, "rate": "1000/s"}, "create_topics: {partitions: 1}")
            first = work.start("p.yaml")
            testing.wait_for(lambda: committed(first, "twice") > 200, 30, "some commits")
            second = work.launch("p.yaml", data=work.path / "other")
            testing.wait_for(lambda: state_of(second, "twice") == "failed", 30, "the second to fail")
            self.assertEqual("other_instance", error_of(second, "twice"))
            out = committed(first, "twice")
            testing.wait_for(lambda: committed(first, "twice") > out + 1000, 30, "the first to go on")
            self.assertIsNone(error_of(first, "twice"))
            first.terminate()
            seen = [json.loads(message["payload"])["id"] for message in self.kafka.read("twice")]
            outputs.check_exactly_once(seen, list(range(1, len(seen) + 1)), "twice")

    def test_fenced_before_its_first_commit(self):
        """Neither has positions, so both start; the one that commits first goes on, the other is fenced for good (G24)."""
        with Workspace() as slow, Workspace() as quick:
            for work in (slow, quick):
                self.pipeline(work, "fenced", LINES % {"mode": "follow"}, "create_topics: {partitions: 1}")
                (work.path / "input").mkdir()
            loser = slow.start("p.yaml")
            winner = quick.start("p.yaml")
            self.lines(quick, ({"id": n} for n in range(1, 101)))
            testing.wait_for(lambda: committed(winner, "fenced") == 100, 30, "the winner's commit")
            self.lines(slow, ({"id": n} for n in range(1001, 1101)))
            testing.wait_for(lambda: state_of(loser, "fenced") == "failed", 60, "the loser to fail")
            self.assertEqual("fenced", error_of(loser, "fenced"))
            self.lines(quick, ({"id": n} for n in range(101, 201)), "input/b.jsonl")
            testing.wait_for(lambda: committed(winner, "fenced") == 200, 30, "the winner to go on")
            self.check_ids("fenced", range(1, 201))

    def test_stopped_longer_than_its_transaction_lives(self):
        """The coordinator aborts the transaction of a process that stands still; awake again, it writes the records once more."""
        with Workspace() as work:
            self.pipeline(work, "asleep", GENERATOR % {"count": 30000, "rate": "10000/s"},
                          'create_topics: {partitions: 1}\nproperties: {transaction.timeout.ms: "1000", message.timeout.ms: "1000"}')
            daemon = work.launch("p.yaml", arguments=("--until-done",))
            testing.wait_for(lambda: committed(daemon, "asleep") > 1000, 30, "some commits")
            daemon.process.send_signal(signal.SIGSTOP)
            testing.wait_for(lambda: not self.in_transaction("asleep"), 30, "the transaction's end")
            daemon.process.send_signal(signal.SIGCONT)
            daemon.wait_exit(0)
            self.check_ids("asleep", range(1, 30001))

    def in_transaction(self, name):
        return "Ongoing" in self.kafka.tool("org.apache.kafka.tools.TransactionsCommand", "describe", "--transactional-id", f"sluice.{name}.kafka")

    def test_broker_away_for_long(self):
        """Longer than messages live: each try ends with a new producer, the last one goes on."""
        with Workspace() as work:
            self.pipeline(work, "away", GENERATOR % {"count": 20000, "rate": "10000/s"},
                          'create_topics: {partitions: 2}\nproperties: {transaction.timeout.ms: "2000", message.timeout.ms: "1000"}')
            daemon = work.launch("p.yaml", arguments=("--until-done",))
            testing.wait_for(lambda: committed(daemon, "away") > 1000, 30, "some commits")
            self.kafka.stop()
            testing.wait_for(lambda: error_of(daemon, "away") == "broker_unreachable", 60, "broker_unreachable")
            self.kafka.launch()
            self.kafka.wait_up()
            daemon.wait_exit(0)
            self.check_ids("away", range(1, 20001))

    def test_partitions_equal_those_of_java(self):
        keys = [{"k": text} for text in ("", "a", "ab", "abc", "abcd", "Grüße", "鍵", "x" * 300)] + [{"k": n} for n in range(200)]
        for topic in ("murmur", "java"):
            self.kafka.create_topic(topic, 7)
        with Workspace() as work:
            self.pipeline(work, "murmur", LINES % {"mode": "once"}, "key: [k]")
            self.lines(work, keys)
            work.run_to_end("p.yaml")
        ours = {message["key"]: message["partition"] for message in self.kafka.read("murmur")}
        self.kafka.tool("org.apache.kafka.tools.ConsoleProducer", "--topic", "java", "--property", "parse.key=true", "--property", "key.separator=\t",
                        stdin="".join(f"{key}\tv\n" for key in ours))
        theirs = {message["key"]: message["partition"] for message in self.kafka.read("java")}
        self.assertEqual(len(keys), len(ours))
        self.assertEqual(theirs, ours)
        self.assertEqual(7, len(set(ours.values())))


class WithoutBroker(unittest.TestCase):
    def test_version_names_librdkafka(self):
        with Workspace() as work:
            self.assertRegex(work.command("version").stdout, r"librdkafka \d+\.\d+\.\d+")

    def test_findings_have_their_place(self):
        text = PIPELINE % {"name": "x", "source": GENERATOR % {"count": 1, "rate": "1/s"}, "brokers": "localhost:9092",
                           "more": "    properties:\n      acks: all\n      lingering: 5\n      sasl.password: hidden-secret\n      linger.ms: soon"}
        with Workspace() as work:
            work.write("p.yaml", text)
            done = work.command("validate", "p.yaml", "--json")
            self.assertEqual(2, done.returncode)
            lines = text.splitlines()
            found = {(finding["code"], lines[finding["line"] - 1].split(":")[0].strip()) for finding in json.loads(done.stdout)["findings"]}
            self.assertEqual({("conflict", "acks"), ("unknown_key", "lingering"), ("bad_value", "linger.ms")}, found)
            self.assertNotIn("hidden-secret", done.stdout + done.stderr)


class ThreeBrokers(unittest.TestCase):
    def test_one_is_killed(self):
        with Kafka(nodes=3) as kafka, Workspace() as work:
            work.write("p.yaml", PIPELINE % {"name": "three", "source": GENERATOR % {"count": 40000, "rate": "8000/s"}, "brokers": f"[{kafka.bootstrap}]",
                                             "more": "    key: [id]\n    create_topics: {partitions: 6, replication: 3}"})
            daemon = work.launch("p.yaml", arguments=("--until-done",))
            testing.wait_for(lambda: committed(daemon, "three") > 2000, 60, "some commits")
            kafka.kill(kafka.nodes[1])
            daemon.wait_exit(0)
            seen = [json.loads(message["payload"])["id"] for message in kafka.read("three")]
            outputs.check_exactly_once(sorted(seen), list(range(1, 40001)), "three")


class Secure(unittest.TestCase):
    """TLS, SCRAM, PLAIN, mutual TLS and ACLs: what is refused is told with the right kind, and few rights are enough."""

    @classmethod
    def setUpClass(cls):
        cls.kafka = Kafka(secure=True)
        cls.addClassCleanup(cls.kafka.__exit__)
        cls.kafka.start()
        cls.pki = cls.kafka.nodes[0].folder / "pki"

    def write(self, work, name, port, more):
        work.write("p.yaml", PIPELINE % {"name": name, "source": GENERATOR % {"count": 200, "rate": "100000/s"},
                                         "brokers": f"localhost:{self.kafka.nodes[0].ports[port]}", "more": more})

    def login(self, user, password, mechanism="scram-sha-512", tls=None):
        return f"    tls: {tls or '{ca: %s}' % (self.pki / 'ca.pem')}\n    sasl: {{mechanism: {mechanism}, username: {user}, password: {password}}}"

    def grant(self, principal, resource, name, *operations):
        rights = [part for operation in operations for part in ("--operation", operation)]
        self.kafka.tool("org.apache.kafka.tools.AclCommand", "--add", "--allow-principal", principal, f"--{resource}", name, *rights)

    def fails_with(self, work, name, code, states):
        daemon = work.launch("p.yaml")
        try:
            # A daemon whose pipeline has failed ends soon after: then its log has the code.
            ended = lambda: daemon.poll() is not None and "failed" in states  # noqa: E731
            testing.wait_for(lambda: error_of(daemon, name) == code or (ended() and f"code={code}" in daemon.log()), 40, code)
            testing.wait_for(lambda: state_of(daemon, name) in states or ended(), 10, f"state {states}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {error_of(daemon, name)}, {state_of(daemon, name)}\n{daemon.log_tail()}") from None
        self.assertNotIn("-secret", daemon.log() + daemon.get(f"/api/v1/pipelines/{name}")[1])
        daemon.kill()

    def test_rights_one_by_one(self):
        """Each missing right has its code; those that are granted here are all that the sink needs."""
        progress = "__sluice_progress.guarded"
        with Workspace() as work:
            self.kafka.create_topic("guarded")
            self.write(work, "guarded", "sasl", self.login("bob", "bob-secret"))
            self.fails_with(work, "guarded", "topic_forbidden", ("failed",))
            self.grant("User:bob", "topic", progress, "Create", "Write", "Read", "Describe", "DescribeConfigs")
            self.fails_with(work, "guarded", "transactional_id_forbidden", ("failed",))
            self.grant("User:bob", "transactional-id", "sluice.guarded.kafka", "Write", "Describe")
            self.fails_with(work, "guarded", "topic_forbidden", ("failed",))
            self.grant("User:bob", "topic", "guarded", "Write", "Describe")
            for mechanism in ("plain", "scram-sha-256", "scram-sha-512"):
                self.write(work, "guarded", "sasl", self.login("bob", "bob-secret", mechanism))
                work.run_to_end("p.yaml")
            seen = [json.loads(message["payload"])["id"] for message in self.kafka.read("guarded")]
            outputs.check_exactly_once(sorted(seen), list(range(1, 201)), "guarded")

    def test_wrong_password_and_wrong_authority(self):
        with Workspace() as work:
            self.write(work, "stranger", "sasl", self.login("bob", "wrong-secret"))
            self.fails_with(work, "stranger", "authentication_failed", ("starting", "backing_off"))
        with Workspace() as work:
            self.write(work, "stranger", "sasl", self.login("bob", "bob-secret", tls="{}"))
            self.fails_with(work, "stranger", "tls_failed", ("starting", "backing_off"))

    def test_mutual_tls(self):
        self.kafka.create_topic("mutual")
        for resource, name in (("topic", "mutual"), ("topic", "__sluice_progress.mutual"), ("transactional-id", "sluice.mutual.kafka")):
            self.grant("User:CN=client", resource, name, "All")
        with Workspace() as work:
            self.write(work, "mutual", "tls", f"    tls: {{ca: {self.pki}/ca.pem, certificate: {self.pki}/client.pem, key: {self.pki}/client.key}}")
            work.run_to_end("p.yaml")
            self.assertEqual(200, len(self.kafka.read("mutual")))


if __name__ == "__main__":
    testing.main()
