# shellcheck shell=bash
# ./dev build [PRESET]
# shellcheck source=dev.d/install.sh
. "$ROOT/dev.d/install.sh"
# shellcheck source=dev.d/librdkafka.sh
. "$ROOT/dev.d/librdkafka.sh"

# build_preset PRESET [CMAKE ARGUMENT...]: configures once, then builds; a changed CMakeLists.txt configures by itself.
build_preset() {
  local preset=$1 folder=$ROOT/build/$1
  shift
  librdkafka_install
  if [ ! -f "$folder/build.ninja" ] || [ $# -gt 0 ]; then
    (cd "$ROOT" && cmake --preset "$preset" "$@" >"/tmp/sluice-configure-$$.log") || {
      cat "/tmp/sluice-configure-$$.log"
      rm -f "/tmp/sluice-configure-$$.log"
      return 1
    }
    grep 'is left out' "/tmp/sluice-configure-$$.log" || true
    rm -f "/tmp/sluice-configure-$$.log"
  fi
  (cd "$ROOT" && cmake --build --preset "$preset" -j "$(build_jobs)")
}

dev_build() {
  local preset=${1:-release}
  case $preset in
    debug | release | asan | tsan | fuzz) ;;
    *) fail "unknown preset \"$preset\"; known: debug, release, asan, tsan, fuzz" ;;
  esac
  dev_install
  build_preset "$preset"
}
