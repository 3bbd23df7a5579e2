#!/bin/sh
# Pete launcher: evaluates the newest model, and opens the report.
launchers=$(dirname "$(readlink -f "$0")") # `pete launchers install` writes the checkout's folder here
# shellcheck source=launchers/_run.sh
[ -f "$launchers/_run.sh" ] && . "$launchers/_run.sh" && launch evaluate
printf 'Pete is not in %s.\nIn its folder run ./pete launchers install\nPress return to close.' "${launchers%/launchers}"; read -r _; exit 1
