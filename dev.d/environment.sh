# shellcheck shell=bash
# What every subcommand shares: the interpreter, the number of jobs, the compiler cache, messages.

# Debian's own interpreter: the test harness uses its sqlite3 module, which a private build of Python may lack.
PYTHON=${PYTHON:-/usr/bin/python3}
export PYTHON
export PYTHONDONTWRITEBYTECODE=1

# Objects are shared between checkouts and build folders.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$ROOT}
export CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-1}

say() { printf '%s\n' "dev: $*"; }
fail() {
  printf '%s\n' "dev: $*" >&2
  exit 1
}

# One job per core, but never less than 1.2 GB for each: the largest unit needs about 1 GB.
build_jobs() {
  local cores memory_kb by_memory
  cores=$(nproc)
  memory_kb=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
  by_memory=$((memory_kb / 1200000))
  [ "$by_memory" -ge 1 ] || by_memory=1
  echo "${SLUICE_JOBS:-$((cores < by_memory ? cores : by_memory))}"
}
