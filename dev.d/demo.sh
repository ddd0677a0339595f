# shellcheck shell=bash
# ./dev demo [--once]: two pipelines at work on a fresh machine.  --once ends by itself and checks its own result.
# shellcheck source=dev.d/build.sh
. "$ROOT/dev.d/build.sh"
# shellcheck source=dev.d/postgres.sh
. "$ROOT/dev.d/postgres.sh"

demo_server=""  # folder of PostgreSQL
demo_daemon=""  # pid
demo_writer=""  # pid

# Stops what was started, in the order of the data: writer, daemon, server.
demo_stop() {
  trap '' INT TERM
  [ -z "$demo_writer" ] || kill "$demo_writer" 2>/dev/null
  local status=0
  if [ -n "$demo_daemon" ]; then
    kill -TERM "$demo_daemon" 2>/dev/null
    wait "$demo_daemon" || status=$?
    demo_daemon=""
    say "the daemon ended with $status"
  fi
  [ -z "$demo_server" ] || { postgres_down "$demo_server/postgres" && rm -rf "$demo_server"; }
  demo_server=""
  return "$status"
}

demo_tables() {
  psql "$1" -X -q -v ON_ERROR_STOP=1 -f - <<'SQL'
create table customers (id bigint primary key, name text not null, email text, country_code text);
create table orders (id bigint primary key, customer_id bigint not null, status text not null, total numeric(10,2), placed_at timestamptz default now());
SQL
}

# One round of a little shop; new orders come in, older ones are paid, shipped, cancelled.
demo_write() {
  psql "$1" -X -q -v ON_ERROR_STOP=1 -v n="$2" -f - <<'SQL'
insert into customers values (:n, 'customer ' || :n, 'c' || :n || '@example.org', (array['DE','FR','NL','US'])[1 + :n % 4]);
insert into orders (id, customer_id, status, total) select :n * 10 + i, :n, case when i = 9 then 'test' else 'new' end, (:n + i) * 1.25 from generate_series(0, 9) i;
update orders set status = 'paid' where id % 3 = 0 and status = 'new';
update orders set status = 'shipped', total = total + 1 where id % 10 = 4 and status = 'new';
delete from orders where id % 10 = 5 and id < :n * 10 - 20;
update customers set email = null where id = :n - 3;
SQL
}

demo_wait_ready() {
  local log=$1 _
  for _ in $(seq 300); do
    demo_port=$(sed -nE 's/.*[Ll]isten.*127\.0\.0\.1:([0-9]+).*/\1/p' "$log" | head -n 1)
    if [ -n "$demo_port" ] && "$PYTHON" "$ROOT/dev.d/demo_check.py" ready "$demo_port"; then return; fi
    kill -0 "$demo_daemon" 2>/dev/null || break
    sleep 0.1
  done
  tail -n 20 "$log" >&2
  return 1
}

demo_say_what_to_look_at() {
  cat <<TEXT

The demo is running: archived and generated orders flow into SQLite and a lake; a PostgreSQL's changes flow into a copy of it.
Look at it from another terminal:

  rows and totals     python3 -c 'import sqlite3; print(sqlite3.connect("demo-data/orders.db").execute("select origin, count(*) from orders group by 1").fetchall())'
  the lake            find demo-data/lake -name "*.json*" | head; head -n 2 demo-data/lake/country=DE/*
  what it does        curl -s http://127.0.0.1:$demo_port/api/v1/pipelines
  the books           curl -s http://127.0.0.1:$demo_port/api/v1/pipelines/shop_files/books
  metrics             curl -s http://127.0.0.1:$demo_port/metrics | grep sluice_records
  the database        psql $demo_url -c "select status, count(*) from orders group by 1"
  and its copy        python3 -c 'import sqlite3; print(sqlite3.connect("demo-data/copy.db").execute("select status, count(*) from orders group by 1").fetchall())'
  its history         tail -n 2 demo-data/history/orders/*
  kill it             kill -9 $demo_daemon; start the demo again with the daemon's own command below and count again
                      SHOP_DB_URL=$demo_url $demo_binary run configs/shop_files.yaml configs/shop_postgres.yaml --data-dir demo-data/state

Ctrl-C ends it; then the dead letters:  $demo_binary dlq list shop_files --data-dir demo-data/state

TEXT
}

demo_start() {
  rm -rf "$ROOT/demo-data"
  mkdir -p "$ROOT/demo-data"
  demo_server=$(mktemp -d "${TMPDIR:-/tmp}/sluice-demo-XXXXXX")
  chmod 755 "$demo_server"
  demo_url=$(postgres_up "$demo_server/postgres") || exit 1
  demo_tables "$demo_url"
  # A session of its own: Ctrl-C reaches this script, which stops the daemon once and in its turn.
  SHOP_DB_URL=$demo_url SHOP_OUT=demo-data SHOP_COUNT=$1 SHOP_RATE=$2 setsid "$demo_binary" run configs/shop_files.yaml configs/shop_postgres.yaml \
    --data-dir demo-data/state --listen 127.0.0.1:0 >demo-data/daemon.log 2>&1 </dev/null &
  demo_daemon=$!
  demo_wait_ready demo-data/daemon.log || fail "the daemon did not get ready (demo-data/daemon.log)"
}

demo_once() {
  trap 'demo_stop || true' EXIT
  demo_start 20000 20000/s
  local n status=0
  for n in $(seq 1 30); do demo_write "$demo_url" "$n"; done
  "$PYTHON" "$ROOT/dev.d/demo_check.py" settle "$demo_port" "$demo_url" || status=$?
  psql "$demo_url" -X -q -A -t -F , -c 'select id, customer_id, status, total from orders order by id' >demo-data/truth.csv
  psql "$demo_url" -X -q -A -t -F , -c "select id, name, coalesce(email, ''), country_code from customers order by id" >demo-data/truth-customers.csv
  trap - EXIT
  demo_stop || status=$?
  [ "$status" = 0 ] || fail "the demo went wrong (demo-data/daemon.log)"
  "$PYTHON" "$ROOT/dev.d/demo_check.py" check "$demo_binary" || fail "the demo's result is wrong"
}

demo_forever() {
  trap 'demo_stop; exit $?' INT TERM
  trap 'demo_stop || true' EXIT
  demo_start 1000000000 500/s
  demo_say_what_to_look_at
  local n=0
  while kill -0 "$demo_daemon" 2>/dev/null; do
    n=$((n + 1))
    demo_write "$demo_url" "$n" || break
    sleep 1
  done
  tail -n 20 demo-data/daemon.log >&2
  fail "the daemon ended by itself"
}

dev_demo() {
  dev_install
  cd "$ROOT" || fail "cannot enter $ROOT"
  demo_binary=${SLUICE_BINARY:-build/release/sluice}  # the tests run it with the binary they have
  [ -n "${SLUICE_BINARY:-}" ] || build_preset release || fail "the build failed"
  case ${1:-} in
    --once) demo_once ;;
    "") demo_forever ;;
    *) fail "usage: ./dev demo [--once]" ;;
  esac
}
