# shellcheck shell=bash
# ./dev services up|down|status: a local PostgreSQL, ready for logical replication, and a Kafka broker to play with.
# shellcheck source=dev.d/install.sh
. "$ROOT/dev.d/install.sh"
# shellcheck source=dev.d/postgres.sh
. "$ROOT/dev.d/postgres.sh"
# shellcheck source=dev.d/kafka.sh
. "$ROOT/dev.d/kafka.sh"

# A missing broker is no reason to go without the database.
services_kafka_up() {
  [ -f "$1/kafka/pid" ] && return
  kafka_fetch >/dev/null && kafka_up "$1/kafka" >"$1/kafka.address" || say "no Kafka" >&2
}

dev_services() {
  # Not below the checkout: the server's unprivileged user may not be able to enter that.
  local folder
  folder=${TMPDIR:-/tmp}/sluice-services-$(id -u)
  case ${1:-status} in
    up)
      # What is printed is for eval; messages go to stderr.
      dev_install >&2
      if [ -f "$folder/postgres/data/postmaster.pid" ] && [ -f "$folder/postgres.url" ]; then
        say "already up" >&2
      else
        mkdir -p "$folder"
        postgres_up "$folder/postgres" >"$folder/postgres.url" || exit 1
      fi
      services_kafka_up "$folder"
      echo "export SHOP_DB_URL=$(cat "$folder/postgres.url")"
      [ ! -f "$folder/kafka/pid" ] || echo "export SHOP_BROKERS=$(cat "$folder/kafka.address")"
      ;;
    down)
      postgres_down "$folder/postgres"
      kafka_down "$folder/kafka"
      rm -rf "$folder"
      say "stopped; its data is gone"
      ;;
    status)
      if [ -f "$folder/postgres/data/postmaster.pid" ]; then
        say "PostgreSQL: $(cat "$folder/postgres.url")"
      else
        say "PostgreSQL: not running"
      fi
      if [ -f "$folder/kafka/pid" ]; then
        say "Kafka: $(cat "$folder/kafka.address")"
      else
        say "Kafka: not running"
      fi
      ;;
    *) fail "usage: ./dev services up|down|status" ;;
  esac
}
