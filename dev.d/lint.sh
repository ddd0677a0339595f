# shellcheck shell=bash
# ./dev lint [--changed] [--fix]: formatting, layers, clang-tidy, shell scripts.  --changed: only files that differ from main;
# --fix: rewrites the formatting instead of complaining about it.
# shellcheck source=dev.d/build.sh
. "$ROOT/dev.d/build.sh"

lint_files() {
  if [ "$1" = changed ]; then
    { git diff --name-only --diff-filter=d "$(git merge-base HEAD main)"; git ls-files --others --exclude-standard; } | sort -u
  else
    git ls-files --cached --others --exclude-standard
  fi
}

# Prints every line; returns 1 if there was one.
none() {
  local found=0 line
  while IFS= read -r line; do
    printf '%s\n' "$line"
    found=1
  done
  return $found
}

lint_format() {
  local how=("$1")
  shift
  [ "${how[0]}" = fix ] && how=(-i) || how=(--dry-run -Werror)
  [ $# -eq 0 ] || clang-format "${how[@]}" "$@"
}

lint_guards() {
  local file
  for file in "$@"; do
    case $file in
      *.h) [ "$(grep -c '^#pragma once$' "$file")" = 1 ] || echo "$file: needs exactly one #pragma once" ;;
    esac
  done | none
}

lint_tidy() {
  [ $# -eq 0 ] || printf '%s\0' "$@" | xargs -0 -n 4 -P "$(build_jobs)" clang-tidy -p build/debug --quiet --warnings-as-errors='*' 2> >(grep -v 'warnings generated' >&2)
}

lint_shell() {
  if ! command -v shellcheck >/dev/null; then
    say "shellcheck is not installed; shell scripts are only parsed"
    local file
    for file in "$@"; do bash -n "$file" || return 1; done
    return 0
  fi
  shellcheck -x "$@"
}

dev_lint() {
  local which=all format=check sources units failed=0
  while [ $# -gt 0 ]; do
    case $1 in
      --changed) which=changed ;;
      --fix) format=fix ;;
      *) fail "usage: ./dev lint [--changed] [--fix]" ;;
    esac
    shift
  done
  dev_install
  cd "$ROOT" || fail "cannot enter $ROOT"
  mapfile -t sources < <(lint_files "$which" | grep -E '\.(cc|h)$' || true)
  mapfile -t units < <(printf '%s\n' "${sources[@]}" | grep -E '\.cc$' | grep -v '^tests/fuzz/' || true)
  say "formatting of ${#sources[@]} files" && lint_format "$format" "${sources[@]}" || failed=1
  lint_guards "${sources[@]}" || failed=1
  say "layers" && "$PYTHON" tests/layers_test.py || failed=1
  say "shell scripts" && lint_shell dev .ci/run dev.d/*.sh || failed=1
  if [ "${#units[@]}" -gt 0 ]; then
    [ -f build/debug/compile_commands.json ] || cmake --preset debug >/dev/null || failed=1
    say "clang-tidy on ${#units[@]} files" && lint_tidy "${units[@]}" || failed=1
  fi
  [ "$failed" = 0 ] || fail "lint found something"
  say "clean"
}
