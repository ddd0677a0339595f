# shellcheck shell=bash
# librdkafka newer than Debian's: 2.0.2 lacks fixes to the idempotent producer.  Its whole source is inside the crate rdkafka-sys, which
# cargo fetches and whose checksum is pinned here.  Built once, statically, into a cache that all checkouts share; CMake takes it from
# there and else Debian's (cmake/Librdkafka.cmake).  No registry, no cargo: a message and Debian's.

# shellcheck source=dev.d/cache.sh
. "$ROOT/dev.d/cache.sh"

LIBRDKAFKA_VERSION=2.12.1
LIBRDKAFKA_CRATE=4.10.0+2.12.1
LIBRDKAFKA_SHA256=e234cf318915c1059d4921ef7f75616b5219b10b46e9f3a511a15eb4b56a3f77

librdkafka_prefix() { echo "$(sluice_cache)/librdkafka-$LIBRDKAFKA_VERSION"; }

# Leaves the crate's source in FOLDER/source.
librdkafka_fetch() {
  local folder=$1 crate
  mkdir -p "$folder/fetch"
  cat >"$folder/fetch/Cargo.toml" <<TOML
[package]
name = "fetch"
version = "0.0.0"
edition = "2021"
[lib]
path = "lib.rs"
[dependencies]
rdkafka-sys = { version = "=$LIBRDKAFKA_CRATE", default-features = false }
TOML
  : >"$folder/fetch/lib.rs"
  (cd "$folder/fetch" && CARGO_HOME="$folder/cargo" timeout 120 cargo fetch -q) || return 1
  crate=$(echo "$folder"/cargo/registry/cache/*/"rdkafka-sys-$LIBRDKAFKA_CRATE.crate")
  echo "$LIBRDKAFKA_SHA256  $crate" | sha256sum -c --quiet || return 1
  tar xzf "$crate" -C "$folder" && mv "$folder/rdkafka-sys-$LIBRDKAFKA_CRATE/librdkafka" "$folder/source"
}

# POSIX threads instead of C11's: thread sanitizers intercept only those.
librdkafka_compile() {
  local folder=$1 prefix=$2
  cmake -S "$folder/source" -B "$folder/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib \
    -DRDKAFKA_BUILD_STATIC=ON -DRDKAFKA_BUILD_EXAMPLES=OFF -DRDKAFKA_BUILD_TESTS=OFF -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
    -DWITH_C11THREADS=OFF -DWITH_SSL=ON -DWITH_SASL=ON -DWITH_ZLIB=ON -DWITH_ZSTD=ON -DENABLE_LZ4_EXT=OFF -DWITH_CURL=OFF &&
    cmake --build "$folder/build" -j "$(build_jobs)" --target rdkafka &&
    cmake --install "$folder/build/src"
}

# Never fails: without it the build takes Debian's.
librdkafka_install() {
  local prefix folder started=$SECONDS
  prefix=$(librdkafka_prefix)
  [ ! -e "$prefix/lib/librdkafka.a" ] || return 0
  [ "${SLUICE_LIBRDKAFKA:-}" != system ] || return 0
  if ! command -v cargo >/dev/null; then
    say "cargo is not installed: librdkafka is Debian's"
    return 0
  fi
  folder=$(mktemp -d)
  if librdkafka_fetch "$folder" >"$folder/log" 2>&1 && librdkafka_compile "$folder" "$folder/prefix" >>"$folder/log" 2>&1; then
    mkdir -p "${prefix%/*}"
    # Whole or not at all, also when two builds do this at the same time.
    mv -T "$folder/prefix" "$prefix" 2>/dev/null || [ -e "$prefix/lib/librdkafka.a" ] || say "cannot write to $prefix: librdkafka is Debian's"
    say "built librdkafka $LIBRDKAFKA_VERSION in $((SECONDS - started)) s"
  else
    say "librdkafka $LIBRDKAFKA_VERSION could not be had ($(tail -n 1 "$folder/log")): Debian's is used"
  fi
  rm -rf "$folder"
}
