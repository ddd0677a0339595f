#!/usr/bin/env bash
# dev.d/postgres_create.sh FOLDER PORT [VERSION]: makes a data directory FOLDER/data for a server on 127.0.0.1:PORT, ready for logical
# replication and for tests and demos only (fsync is off), and prints the folder of the server's programs.  The superuser is
# postgres:sluice.  FOLDER exists and can be entered by nobody, who owns the server when root asks for it: PostgreSQL refuses root.
# VERSION as in postgres_tree.sh; exit 1 with the reason on stderr.
set -euo pipefail
folder=$1 port=$2 version=${3:-}
tree=$("$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/postgres_tree.sh" "$version")
run=(env HOME="$folder")
if [ "$(id -u)" = 0 ]; then
  chown nobody:nogroup "$folder"
  run=(setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME="$folder")
fi
chmod 755 "$folder"
cd "$folder" # a server does not start where it may not look
echo sluice >password
chmod 644 password
"${run[@]}" "$tree/bin/initdb" -D "$folder/data" -U postgres -A scram-sha-256 --pwfile=password -E UTF8 --locale=C --no-sync >initdb.log 2>&1 || {
  cat initdb.log >&2
  exit 1
}
cat >>data/postgresql.conf <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$folder'
wal_level = logical
max_wal_senders = 100
max_replication_slots = 100
max_connections = 120
wal_sender_timeout = 30s
fsync = off
full_page_writes = off
shared_buffers = 32MB
max_wal_size = 512MB
logging_collector = off
CONF
# Minor releases since 2026 refuse an output plug-in that is not listed; ours needs none but pgoutput, the tests' oracles need wal2json.
settings=$("${run[@]}" "$tree/bin/postgres" --describe-config 2>/dev/null || true)
if grep -q '^output_plugin_libraries' <<<"$settings"; then
  echo "output_plugin_libraries = 'pgoutput, test_decoding, wal2json'" >>data/postgresql.conf
fi
echo "host replication all 127.0.0.1/32 scram-sha-256" >>data/pg_hba.conf
echo "$tree/bin"
