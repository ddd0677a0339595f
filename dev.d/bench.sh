# shellcheck shell=bash
# ./dev bench [json|expression|startup|postgres|snapshot|kafka|http|latency|transaction]: figures next to a baseline that runs in the same minute.
# shellcheck source=dev.d/build.sh
. "$ROOT/dev.d/build.sh"

dev_bench() {
  dev_install
  build_preset release -DSLUICE_BENCH=ON -DSLUICE_TESTS=OFF || fail "the build failed"
  cd "$ROOT" || fail "cannot enter $ROOT"
  exec "$PYTHON" bench/run.py "$@"
}
