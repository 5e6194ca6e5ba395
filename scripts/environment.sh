# Sourced by the scripts beside it: finds a Python and makes virtual environments.
# Works with bash 3.2 (macOS) and with no more than Python 3.11 and pip on the machine.

fail() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  exit 1
}

# The first Python of 3.11 or later; PYTHON=/path/to/python chooses another.
find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python3.14 python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  fail "needs Python 3.11 or later; set PYTHON to its path if it is not on PATH"
}

# create_environment DIR: Debian's Python comes without ensurepip unless python3-venv is
# installed, so virtualenv is fetched where venv fails (beside DIR, as PEP 668 wants it).
create_environment() {
  local python
  python=$(find_python) || exit 1
  rm -rf "$1"
  if "$python" -m venv "$1" >/dev/null 2>&1; then
    return
  fi
  rm -rf "$1" "$1-bootstrap"
  "$python" -m pip install --quiet --disable-pip-version-check --target "$1-bootstrap" virtualenv \
    && PYTHONPATH="$1-bootstrap" "$python" -m virtualenv --quiet "$1" \
    || fail "could neither make a venv nor install virtualenv: install python3-venv or pip"
  rm -rf "$1-bootstrap"
}

# environment ROOT DIR REQUIREMENT: DIR holds what REQUIREMENT (". " or ".[test]") needs.
# Costs milliseconds when pyproject.toml is the one that DIR was made from.
environment() {
  local root=$1 dir=$2 requirement=$3 stamp
  stamp="$root $requirement $(cksum <"$root/pyproject.toml")"
  if [ -x "$dir/bin/python" ] && [ "$(cat "$dir/.leveret-stamp" 2>/dev/null)" = "$stamp" ]; then
    return
  fi
  printf '%s: preparing %s\n' "${0##*/}" "$dir" >&2
  "$dir/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
    || create_environment "$dir"
  (cd "$root" && "$dir/bin/python" -m pip install --quiet --disable-pip-version-check \
    --editable "$requirement") || fail "pip could not install $requirement (see above)"
  # An editable install is not compiled by pip, and compiling takes half the time of a start.
  (cd "$root" && "$dir/bin/python" -m compileall -q broker exchanges vhosts persistence mgmt_ui)
  printf '%s\n' "$stamp" >"$dir/.leveret-stamp"
}

# console ROOT DIR: the web console is built again when its sources have changed.  The installation
# has built it once; where that cannot be done the broker goes without it.
console() {
  local sources=$1/mgmt_ui/console
  local built=$sources/dist/.built
  if [ -f "$built" ] && [ -z "$(find "$sources" \( -name node_modules -o -name 'dist' -o -name '.*' \) \
    -prune -o -type f -newer "$built" -print | head -n 1)" ]; then
    return
  fi
  "$2/bin/python" "$1/scripts/console_build.py" --quick || true
}
