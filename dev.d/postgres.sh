# shellcheck shell=bash
# A PostgreSQL server in a folder of its own, on a free loopback port, never as a system service.

free_port() { "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Runs pg_ctl of the server in its folder, as its owner.
postgres_ctl() {
  local folder=$1 run=(env HOME="$1")
  shift
  [ "$(id -u)" != 0 ] || run=(setpriv --reuid=nobody --regid=nogroup --clear-groups "${run[@]}")
  (cd "$folder" && "${run[@]}" "$(cat "$folder/programs")/pg_ctl" -D "$folder/data" -w "$@")
}

# postgres_up FOLDER [VERSION]: prints the URL of a running server; FOLDER must be reachable for nobody when we are root.
postgres_up() {
  local folder=$1 version=${2:-} port programs
  port=$(free_port)
  mkdir -p "$folder"
  if [ ! -d "$folder/data" ]; then
    programs=$("$ROOT/dev.d/postgres_create.sh" "$folder" "$port" "$version") || fail "no PostgreSQL server in $folder"
    echo "$programs" >"$folder/programs"
  fi
  postgres_ctl "$folder" -l "$folder/server.log" -o "-p $port" -t 60 start >/dev/null 2>&1 ||
    fail "PostgreSQL did not start: $(tail -n 5 "$folder/server.log")"
  echo "postgresql://postgres:sluice@127.0.0.1:$port/postgres"
}

postgres_down() {
  [ ! -f "$1/data/postmaster.pid" ] || postgres_ctl "$1" -m fast stop >/dev/null
}
