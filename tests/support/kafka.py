"""Kafka (KRaft) in a temporary folder, on free loopback ports: one node, three nodes, or one with TLS, SASL and ACLs.

    with Kafka() as kafka:                       # or Kafka(nodes=3), Kafka(secure=True)
        kafka.bootstrap                          # "127.0.0.1:40123"
        kafka.read("orders")                     # committed messages, by an independent client (kcat)

As a program: `kafka.py up FOLDER` starts one node that outlives it and prints its address; `kafka.py down FOLDER` stops it.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"
START_DEADLINE = 90  # seconds; a loaded machine
JAVA = ["java", "-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]

COMMON = """
process.roles=broker,controller
node.id={id}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
log.dirs={folder}/data
num.partitions=3
default.replication.factor={nodes}
min.insync.replicas={in_sync}
offsets.topic.replication.factor={nodes}
offsets.topic.num.partitions=2
transaction.state.log.replication.factor={nodes}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=3
share.coordinator.state.topic.replication.factor={nodes}
share.coordinator.state.topic.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=true
# After kill -9 a broker registers again only when its old session has ended.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
log.segment.bytes=67108864
"""
PLAIN = """
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
"""
SECURE = """
listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{sasl},SSL://127.0.0.1:{tls},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location={folder}/pki/broker-store.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/pki/ca.pem
listener.name.ssl.ssl.client.auth=required
listener.name.sasl_ssl.ssl.client.auth=none
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="alice-secret" user_bob="bob-secret";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=false
"""


def jars():
    """Folder of the broker's jars, fetched once; skips the test where that is not possible."""
    script = '. "$ROOT/dev.d/environment.sh"; . "$ROOT/dev.d/kafka.sh"; kafka_fetch'
    done = subprocess.run(["bash", "-c", script], env={**os.environ, "ROOT": str(ROOT)}, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=400, check=False)
    if done.returncode != 0:
        raise unittest.SkipTest(done.stderr.strip() or "Kafka could not be fetched")
    return done.stdout.strip()


def need(program, package):
    if not shutil.which(program):
        raise unittest.SkipTest(f"{program} is not installed (package {package})")


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Node:
    def __init__(self, folder, ports):
        self.folder, self.ports, self.process = folder, ports, None

    @property
    def port(self):
        return self.ports["port"]

    def accepts(self):
        """KRaft brokers open their port when they are ready."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False


class Kafka:
    def __init__(self, nodes=1, secure=False, folder=None):
        need("java", "default-jre-headless")
        need("kcat", "kcat")
        self.jars = jars()
        self.secure = secure
        self._own = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="sluice-kafka-"))
        names = ("port", "controller", "sasl", "tls")
        ports = free_ports(len(names) * nodes)
        self.nodes = [Node(self.folder / f"node{i + 1}", dict(zip(names, ports[i * 4:i * 4 + 4]))) for i in range(nodes)]

    @property
    def bootstrap(self):
        return ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            self.kill(node)
        if self._own:
            shutil.rmtree(self.folder, ignore_errors=True)

    # ---- life ------------------------------------------------------------------------------------------------------
    def start(self):
        self._write_settings()
        formats = [self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", node.folder / "server.properties", *self._scram(),
                              log=node.folder / "format.log") for node in self.nodes]
        for process, node in zip(formats, self.nodes):
            if process.wait(START_DEADLINE) != 0:
                raise AssertionError("kafka format: " + (node.folder / "format.log").read_text("utf-8"))
        for node in self.nodes:
            self.launch(node)
        for node in self.nodes:
            self.wait_up(node)

    def launch(self, node=None, own_session=False):
        node = node or self.nodes[0]
        node.process = self._java("kafka.Kafka", node.folder / "server.properties", log=node.folder / "broker.log", own_session=own_session)

    def wait_up(self, node=None):
        node = node or self.nodes[0]
        deadline = time.monotonic() + START_DEADLINE
        while not node.accepts():
            if node.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("the broker did not start\n" + (node.folder / "broker.log").read_text("utf-8")[-4000:])
            time.sleep(0.05)

    def kill(self, node=None):
        """SIGKILL."""
        node = node or self.nodes[0]
        if node.process and node.process.poll() is None:
            node.process.kill()
            node.process.wait(20)

    def stop(self, node=None):
        """SIGTERM.  A broker that is the only one and is killed -9 between the two halves of a commit may start again without the other half
        (markers of the prepared commit): a transaction that hangs in a partition for good.  So the only broker is stopped; one of three is killed."""
        node = node or self.nodes[0]
        if node.process and node.process.poll() is None:
            node.process.terminate()
            node.process.wait(60)

    def restart(self, node=None):
        self.stop(node)
        self.launch(node)
        self.wait_up(node)

    # ---- clients ---------------------------------------------------------------------------------------------------
    def read(self, topic, isolation="read_committed", settings=()):
        """Messages of all partitions, each partition in its order: dicts with partition, offset, key, payload, headers; [] for no topic."""
        arguments = ["-C", "-e", "-q", "-J", "-o", "beginning", "-t", topic, "-X", f"isolation.level={isolation}", *settings]
        done = self.kcat(*arguments)
        if done.returncode != 0:
            if "Unknown topic" in done.stderr or "unknown topic" in done.stderr:
                return []
            raise AssertionError(f"kcat: {done.stderr.strip()}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def kcat(self, *arguments, stdin=None):
        return subprocess.run(["kcat", "-b", self.bootstrap, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=120, check=False)

    def tool(self, name, *arguments, stdin=None):
        """Runs one of Kafka's console tools against the cluster: its output."""
        done = subprocess.run([*JAVA, *self._classpath(), name, "--bootstrap-server", self.bootstrap, *map(str, arguments)], input=stdin,
                              capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{name}: {done.stdout}\n{done.stderr}")
        return done.stdout

    def create_topic(self, name, partitions=1, **config):
        settings = [part for key, value in config.items() for part in ("--config", f"{key.replace('_', '.')}={value}")]
        self.tool("org.apache.kafka.tools.TopicCommand", "--create", "--topic", name, "--partitions", partitions, *settings)

    def delete_topic(self, name):
        self.tool("org.apache.kafka.tools.TopicCommand", "--delete", "--topic", name)

    # ---- inside ----------------------------------------------------------------------------------------------------
    def _classpath(self):
        return [f"-Dlog4j2.configurationFile={ROOT / 'dev.d' / 'kafka' / 'log4j2.properties'}", "-cp", f"{self.jars}/*"]

    def _java(self, *arguments, log, own_session=False):
        with open(log, "ab") as out:
            return subprocess.Popen([*JAVA, *self._classpath(), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                    start_new_session=own_session)

    def _scram(self):
        if not self.secure:
            return []
        users = ("alice", "bob", "carol")
        return [part for user in users for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
                for part in ("--add-scram", f"{mechanism}=[name={user},password={user}-secret]")]

    def _write_settings(self):
        voters = ",".join(f"{i + 1}@127.0.0.1:{node.ports['controller']}" for i, node in enumerate(self.nodes))
        for number, node in enumerate(self.nodes):
            node.folder.mkdir(parents=True, exist_ok=True)
            if self.secure:
                make_certificates(node.folder / "pki")
            count = len(self.nodes)
            text = (COMMON + (SECURE if self.secure else PLAIN)).format(id=number + 1, voters=voters, folder=node.folder, nodes=count,
                                                                        in_sync=2 if count >= 3 else 1, **node.ports)
            (node.folder / "server.properties").write_text(text, "ascii")


def make_certificates(folder):
    """ca.pem, {broker,client}.{key,pem}, broker-store.pem (key and certificate: what the broker reads)."""
    folder.mkdir(parents=True, exist_ok=True)

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=sluice test",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n", "ascii")
    for name in ("broker", "client"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-out", f"{name}.pem",
                "-extfile", "names")
    (folder / "broker-store.pem").write_text((folder / "broker.key").read_text("ascii") + (folder / "broker.pem").read_text("ascii"), "ascii")


def main(command, folder):
    folder = pathlib.Path(folder)
    if command == "up":
        kafka = Kafka(folder=folder)
        kafka._write_settings()
        node = kafka.nodes[0]
        kafka._java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", node.folder / "server.properties", log=node.folder / "format.log").wait()
        kafka.launch(own_session=True)
        kafka.wait_up()
        (folder / "pid").write_text(str(node.process.pid), "ascii")
        print(kafka.bootstrap)
    elif (folder / "pid").exists():
        pid = int((folder / "pid").read_text("ascii"))
        try:
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                os.kill(pid, 0)
                time.sleep(0.05)
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        (folder / "pid").unlink()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except unittest.SkipTest as reason:
        sys.exit(str(reason))
