# shellcheck shell=bash
# Debian packages.  One dpkg-query and no network when all is there.

wanted_packages() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$ROOT/dev.d/packages.txt"; }

missing_packages() {
  local packages
  mapfile -t packages < <(wanted_packages)
  comm -23 <(printf '%s\n' "${packages[@]}" | LC_ALL=C sort -u) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null | sed -n 's/^installed //p' | LC_ALL=C sort -u)
}

# Debian starts a cluster of its own on port 5432 when the package is installed, unless told not to before.
no_system_cluster() {
  local file=/etc/postgresql-common/createcluster.conf
  "$@" mkdir -p "${file%/*}"
  [ -e "$file" ] || echo 'create_main_cluster = false' | "$@" tee "$file" >/dev/null
}

dev_install() {
  if ! command -v dpkg-query >/dev/null; then
    say "this is no Debian; the packages' counterparts must be there already (list: dev.d/packages.txt)"
    return
  fi
  local missing become=()
  mapfile -t missing < <(missing_packages)
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      become=(sudo -n)
    else
      fail "packages are missing and only root can install them; please run:
  sudo apt-get install --no-install-recommends ${missing[*]}"
    fi
  fi
  say "installing ${missing[*]}"
  case " ${missing[*]} " in *" postgresql-15 "*) no_system_cluster "${become[@]}" ;; esac
  local apt=("${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold)
  "${apt[@]}" update </dev/null || fail "apt-get update failed"
  "${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >/dev/null || fail "apt-get install failed; by hand:
  apt-get install --no-install-recommends ${missing[*]}"
}
