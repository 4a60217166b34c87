#!/usr/bin/env bash
# Whether the widgets are formatted, as .prettierrc.json says and by this version alone.
#
#     bash tools/widgets.sh            # say what is not
#     bash tools/widgets.sh --write    # format it
#
# The course itself needs no Node, so where there is no npx, or no registry to get this version from, one is told and goes on.
set -euo pipefail
cd "$(dirname "$0")/.."
prettier=prettier@3.10.1

skipped() { echo "The widgets' formatting is not checked: $1."; exit 0; }
command -v npx >/dev/null || skipped "there is no npx here (Debian's package npm has it)"
npx --yes "$prettier" --version >/dev/null 2>&1 || skipped "npx cannot get $prettier"
npx --yes "$prettier" "${1:---check}" --log-level warn 'book/widgets/*.js'
