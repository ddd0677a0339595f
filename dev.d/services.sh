# shellcheck shell=bash
# ./dev services up|down|status: a local PostgreSQL to play with, ready for logical replication.
# shellcheck source=dev.d/install.sh
. "$ROOT/dev.d/install.sh"
# shellcheck source=dev.d/postgres.sh
. "$ROOT/dev.d/postgres.sh"

dev_services() {
  # Not below the checkout: the server's unprivileged user may not be able to enter that.
  local folder
  folder=${TMPDIR:-/tmp}/sluice-services-$(id -u)
  case ${1:-status} in
    up)
      dev_install
      if [ -f "$folder/postgres/data/postmaster.pid" ] && [ -f "$folder/postgres.url" ]; then
        say "already up"
      else
        mkdir -p "$folder"
        postgres_up "$folder/postgres" >"$folder/postgres.url" || exit 1
      fi
      echo "export SHOP_DB_URL=$(cat "$folder/postgres.url")"
      ;;
    down)
      postgres_down "$folder/postgres"
      rm -rf "$folder"
      say "stopped; its data is gone"
      ;;
    status)
      if [ -f "$folder/postgres/data/postmaster.pid" ]; then
        say "PostgreSQL: $(cat "$folder/postgres.url")"
      else
        say "PostgreSQL: not running"
      fi
      ;;
    *) fail "usage: ./dev services up|down|status" ;;
  esac
}
