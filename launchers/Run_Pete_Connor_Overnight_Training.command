#!/bin/sh
# Pete launcher: trains through the night, or goes on with the run that is not finished. Asks nothing.
launchers=$(dirname "$(readlink -f "$0")") # `pete launchers install` writes the checkout's folder here
# shellcheck source=launchers/_run.sh
[ -f "$launchers/_run.sh" ] && . "$launchers/_run.sh" && launch train
printf 'Pete is not in %s.\nIn its folder run ./pete launchers install\nPress return to close.' "${launchers%/launchers}"; read -r _; exit 1
