# shellcheck shell=bash
# A PostgreSQL server in a folder of its own, on a free loopback port, never as a system service.

postgres_bin() {
  local newest
  newest=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -t/ -k5 -n | tail -n 1)
  [ -x "$newest" ] || fail "PostgreSQL is not installed (package postgresql-15)"
  dirname "$newest"
}

# Runs a program of the server in its folder; PostgreSQL refuses root, so root steps down to nobody.
postgres_run() {
  local folder=$1
  shift
  if [ "$(id -u)" = 0 ]; then
    (cd "$folder" && setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME="$folder" "$@")
  else
    (cd "$folder" && env HOME="$folder" "$@")
  fi
}

free_port() { "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# postgres_up FOLDER: prints the URL of a running server; FOLDER must be reachable for nobody when we are root.
postgres_up() {
  local folder=$1 bin port
  bin=$(postgres_bin)
  port=$(free_port)
  mkdir -p "$folder"
  chmod 755 "$folder"
  [ "$(id -u)" != 0 ] || chown nobody:nogroup "$folder"
  if [ ! -d "$folder/data" ]; then
    postgres_run "$folder" "$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$folder.initdb.log" 2>&1 ||
      fail "initdb failed: $(cat "$folder.initdb.log")"
    rm -f "$folder.initdb.log"
    cat >>"$folder/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$folder'
wal_level = logical
max_wal_senders = 10
max_replication_slots = 10
fsync = off
full_page_writes = off
max_wal_size = 4GB
CONF
  fi
  postgres_run "$folder" "$bin/pg_ctl" -D "$folder/data" -l "$folder/server.log" -o "-p $port" -w -t 60 start >/dev/null 2>&1 ||
    fail "PostgreSQL did not start: $(tail -n 5 "$folder/server.log")"
  echo "postgresql://postgres@127.0.0.1:$port/postgres"
}

postgres_down() {
  [ ! -f "$1/data/postmaster.pid" ] || postgres_run "$1" "$(postgres_bin)/pg_ctl" -D "$1/data" -m fast -w stop >/dev/null
}
