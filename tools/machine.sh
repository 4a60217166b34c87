#!/usr/bin/env bash
# What this machine lacks for the course, said before anything is built, with the one line that installs it.
#
#     bash tools/machine.sh course    # the site, the exercises, and the sandbox that grades them
#     bash tools/machine.sh test      # and what the tests open pages with
#     bash tools/machine.sh ci        # and the database server that the tests skip where it is not installed
#
# As root on Debian or Ubuntu it installs what is missing. Without the sandbox's packages it goes on all the same, because
# only grading needs them; it stops where nothing could be built: an old Python, one without venv, no room on the disk.
# PYTHON says which Python (python3 by default).
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
packages=()
consequences=()
lacks() { packages+=("$1"); consequences+=("$1: $2"); }

stop() { printf 'convcourse: %s\n' "$1" >&2; exit 1; }

command -v "$python" >/dev/null || stop "there is no $python here. Install Python 3.11 or newer, or say make PYTHON=python3.11"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  stop "convcourse needs Python 3.11 or newer; $python is older. Try: make PYTHON=python3.11"

if [ ! -e .venv/installed ]; then
  # Debian and Ubuntu ship venv and ensurepip apart from Python itself.
  "$python" -c 'import ensurepip, venv' 2>/dev/null || lacks python3-venv "no environment can be made without it"
  free_mib=$(df -Pm . | awk 'NR == 2 { print $4 }')
  [ "$free_mib" -ge "${CONVCOURSE_NEEDS_MIB:-8000}" ] ||
    stop "PyTorch and what it brings along fill about 8 GB here, and $((free_mib / 1000)) GB are free"
fi

command -v bwrap >/dev/null || lacks bubblewrap "the sandbox; without it nothing is graded, and the site is built all the same"
{ ldconfig -p 2>/dev/null || /sbin/ldconfig -p; } | grep libseccomp.so.2 >/dev/null ||
  lacks libseccomp2 "the sandbox; without it nothing is graded, and the site is built all the same"
if [ "${1:-course}" != course ]; then
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || [ -n "${CONVCOURSE_CHROMIUM:-}" ] ||
    lacks chromium "make test opens the site in it"
fi
if [ "${1:-course}" = ci ]; then
  compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || lacks postgresql "the tests of a gradebook on a server"
  command -v npx >/dev/null || lacks npm "the widgets' formatting is checked with it"
fi
[ ${#packages[@]} -gt 0 ] || exit 0

printf 'This machine lacks %s\n' "${consequences[@]}"
install="apt-get install --no-install-recommends ${packages[*]}"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && [ -z "${CONVCOURSE_INSTALLS_NOTHING:-}" ]; then
  echo "Installing them: $install"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null ||
    echo "That did not work."
else
  echo "One line installs them: sudo $install"
fi
"$python" -c 'import ensurepip, venv' 2>/dev/null || [ -e .venv/installed ] || stop "install python3-venv first"
