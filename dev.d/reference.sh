# shellcheck shell=bash
# ./dev reference [--check]: writes docs/reference/ from what the debug build says of itself; --check only compares.
# shellcheck source=dev.d/build.sh
. "$ROOT/dev.d/build.sh"

dev_reference() {
  dev_install
  dev_build debug
  "$PYTHON" "$ROOT/dev.d/reference.py" --binary "$ROOT/build/debug/sluice" "$@"
}
