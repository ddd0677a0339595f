"""What ./dev demo asks of the daemon and of its own result.

  demo_check.py ready PORT          exit 0 once the daemon is ready
  demo_check.py settle PORT URL     waits until both pipelines have done all there is to do
  demo_check.py check BINARY        compares tables, lake and dead letters with the inputs; run in the root of the checkout
"""

import csv
import glob
import json
import pathlib
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request

OUT = pathlib.Path("demo-data")
GENERATED = 20000
DEADLINE = 60  # seconds


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return 0, ""


def lanes(port, pipeline):
    status, text = get(port, f"/api/v1/pipelines/{pipeline}/books")
    return {lane["sink"]: lane for lane in json.loads(text)["lanes"]} if status == 200 else {}


def archive():
    return [row for path in sorted(glob.glob("configs/samples/orders-*.csv")) for row in csv.DictReader(open(path, encoding="utf-8", newline=""))]


def query(database, sql):
    connection = sqlite3.connect(f"file:{OUT / database}?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        connection.close()


def server_state(url):
    done = subprocess.run(["psql", url, "-X", "-A", "-t", "-F", ",", "-c", "select id, status, total from orders where status <> 'test' order by id"],
                          capture_output=True, text=True, check=True)
    return [tuple(line.split(",")) for line in done.stdout.splitlines()]


def copied_state():
    return [(str(order), status, total) for order, status, total in
            query("copy.db", "select id, status, total from orders where status <> 'test' order by id")]


def settled(port, url):
    books = lanes(port, "shop_files")
    wanted = GENERATED + len(archive())
    if not books or any(lane["in"] < wanted or lane["in_flight"] for lane in books.values()):
        return False
    return (OUT / "copy.db").exists() and copied_state() == server_state(url)


def settle(port, url):
    deadline = time.monotonic() + DEADLINE
    while not settled(port, url):
        if time.monotonic() > deadline:
            print(f"dev: not settled within {DEADLINE} s: {lanes(port, 'shop_files')} {lanes(port, 'shop_postgres')}", file=sys.stderr)
            return 1
        time.sleep(0.1)
    return 0


def lake(folder):
    files = [path for path in sorted((OUT / folder).rglob("*")) if path.is_file() and not path.name.startswith(".")]
    return [(path, json.loads(line)) for path in files for line in path.read_text("utf-8").splitlines()]


def convertible(row):
    try:
        return int(row["customer_id"]) >= 0 and float(row["total"]) >= 0
    except ValueError:
        return False


def findings(binary):
    table = query("orders.db", "select origin, id, status, country_code from orders")
    records = lake("lake")
    archived = [row for row in archive() if row["status"] != "test"]
    expected = sorted(int(row["id"]) for row in archived if convertible(row))
    letters = [json.loads(line) for line in subprocess.run(
        [binary, "dlq", "list", "shop_files", "--data-dir", str(OUT / "state"), "--limit", "100000", "--json"],
        capture_output=True, text=True, check=True).stdout.splitlines()]
    yield "every good row of the archive is in the table, once", sorted(row[1] for row in table if row[0] == "archive") == expected
    yield "table and lake hold the same orders", sorted((row[0], row[1]) for row in table) == sorted((r["origin"], r["id"]) for _, r in records)
    yield "the filter left no test orders", not any(row[2] == "test" for row in table)
    yield "each order lies in its country's folder", all(path.parent.name == f"country={r['country_code']}" for path, r in records)
    yield "broken archive rows are dead letters", sum(x["source"] == "archive" for x in letters) == len(archived) - len(expected)
    yield "about 1 % of the generated orders are dead letters", 0.005 < sum(x["source"] == "live" for x in letters) / GENERATED < 0.015
    truth = [tuple(line.split(",")) for line in (OUT / "truth.csv").read_text("utf-8").splitlines()]
    copy = [tuple(map(str, row)) for row in query("copy.db", "select id, customer_id, status, total from orders order by id")]
    yield "the copy of the database's orders equals the table", copy == [row for row in truth if row[2] != "test"]
    truth = [tuple(line.split(",")) for line in (OUT / "truth-customers.csv").read_text("utf-8").splitlines()]
    copy = [tuple(map(str, row)) for row in query("copy.db", "select id, name, coalesce(email, ''), country_code from customers order by id")]
    yield "the copy of its customers equals the table", copy == truth
    history = [record for _, record in lake("history/customers")]
    yield "the history holds each customer's insert once", sorted(r["id"] for r in history if r["_meta"]["op"] == "insert") == sorted(int(r[0]) for r in truth)


def check(binary):
    wrong = 0
    for what, good in findings(binary):
        print(f"  {'ok   ' if good else 'WRONG'} {what}")
        wrong += not good
    return 1 if wrong else 0


def main():
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "ready":
        return 0 if get(arguments[0], "/readyz")[0] == 200 else 1
    return {"settle": settle, "check": check}[command](*arguments)


if __name__ == "__main__":
    sys.exit(main())
