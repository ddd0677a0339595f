# shellcheck shell=bash
# A Kafka broker (KRaft, one node) on free loopback ports, never as a system service.  How it is started: tests/support/kafka.py.
# shellcheck source=dev.d/cache.sh
. "$ROOT/dev.d/cache.sh"

KAFKA_VERSION=4.3.1

kafka_jars() { echo "$(sluice_cache)/kafka-$KAFKA_VERSION"; }

# Prints the folder of the jars; fetches them once with Maven.  Returns 1 with the reason on stderr.
kafka_fetch() {
  local jars folder
  jars=$(kafka_jars)
  if [ ! -d "$jars" ]; then
    command -v mvn >/dev/null || { echo "Maven is not installed (package maven)" >&2; return 1; }
    mkdir -p "${jars%/*}"
    folder=$(mktemp -d "${jars%/*}/fetch-XXXXXX")
    if ! timeout 300 mvn -q -B -f "$ROOT/dev.d/kafka/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
      -DincludeScope=runtime -DoutputDirectory="$folder/jars" </dev/null >"$folder/log" 2>&1; then
      echo "Kafka $KAFKA_VERSION could not be fetched: $(grep -m 1 ERROR "$folder/log" || tail -n 1 "$folder/log")" >&2
      rm -rf "$folder"
      return 1
    fi
    # Whole or not at all, also when two do this at the same time.
    mv -T "$folder/jars" "$jars" 2>/dev/null || [ -d "$jars" ] || return 1
    rm -rf "$folder"
  fi
  echo "$jars"
}

# kafka_up FOLDER: prints host:port of a running broker.
kafka_up() { "$PYTHON" "$ROOT/tests/support/kafka.py" up "$1"; }
kafka_down() { "$PYTHON" "$ROOT/tests/support/kafka.py" down "$1"; }
