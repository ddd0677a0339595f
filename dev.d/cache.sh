# shellcheck shell=bash
# Where fetched and built third-party code lives: outside of the checkout, shared by all of them.
sluice_cache() { echo "${SLUICE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sluice}"; }
