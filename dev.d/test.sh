# shellcheck shell=bash
# ./dev test [--long] [FILTER].  The last line is always "N passed, N failed, N skipped".
# shellcheck source=dev.d/build.sh
. "$ROOT/dev.d/build.sh"

# One build serves unit tests and crash tests: optimised for speed enough, with assertions.
build_for_tests() {
  local preset started=$SECONDS
  for preset in "$@"; do
    say "building $preset"
    if ! build_preset "$preset"; then
      echo "FAILED build of preset $preset"
      echo "0 passed, 1 failed, 0 skipped"
      exit 1
    fi
  done
  say "built $* in $((SECONDS - started)) s"
}

dev_test() {
  local long=no filter=""
  while [ $# -gt 0 ]; do
    case $1 in
      --long) long=yes ;;
      -*) fail "unknown option $1; usage: ./dev test [--long] [FILTER]" ;;
      *) filter=$1 ;;
    esac
    shift
  done
  dev_install
  local suites=(--suite debug)
  if [ "$long" = yes ]; then
    build_for_tests debug asan tsan fuzz
    suites+=(--suite asan --suite tsan --python-under-sanitizers --mutations --fuzz-minutes "${SLUICE_FUZZ_MINUTES:-5}")
    export SLUICE_TEST_SEEDS=${SLUICE_TEST_SEEDS:-5000} SLUICE_TEST_KILLS=${SLUICE_TEST_KILLS:-1000} SLUICE_TEST_LONG=1
  else
    build_for_tests debug
    export SLUICE_TEST_SEEDS=${SLUICE_TEST_SEEDS:-300} SLUICE_TEST_KILLS=${SLUICE_TEST_KILLS:-30}
  fi
  cd "$ROOT" || fail "cannot enter $ROOT"
  exec "$PYTHON" tests/support/runner.py "${suites[@]}" --filter "$filter"
}
