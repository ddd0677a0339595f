# shellcheck shell=bash
# ./dev chaos [--seeds N] [--seed S] [--sink file|sqlite|kafka|debezium]... [--snapshot never|initial] [--jobs N]: see tests/chaos/run.py.
# shellcheck source=dev.d/build.sh
. "$ROOT/dev.d/build.sh"

dev_chaos() {
  dev_install
  cd "$ROOT" || fail "cannot enter $ROOT"
  [ -n "${SLUICE_BINARY:-}" ] || build_preset debug || fail "the build failed"
  exec "$PYTHON" tests/chaos/run.py "$@"
}
