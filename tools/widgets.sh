#!/usr/bin/env bash
# Whether the widgets are formatted, as .prettierrc.json says and by this version alone.
#
#     bash tools/widgets.sh            # say what is not
#     bash tools/widgets.sh --write    # format it
#
# The course itself needs no Node, so a machine without npx is told and passes; where CI is set that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
prettier=prettier@3.10.1

if ! command -v npx >/dev/null; then
  echo "The widgets' formatting is not checked: there is no npx here (Debian's package npm has it)."
  [ -z "${CI:-}" ] || exit 1
  exit 0
fi
npx --yes "$prettier" "${1:---check}" --log-level warn 'book/widgets/*.js'
