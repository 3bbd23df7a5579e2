# shellcheck shell=sh
# What the double-click launchers share. They source it with $launchers set to the folder it lies in, in the checkout.
# POSIX sh only: macOS has bash 3.2 as /bin/sh. Finder starts a launcher in the home folder with next to no PATH;
# ./pete finds uv and Python by itself, and whatever has to be decided is decided in Python.

root=$(CDPATH='' cd "${launchers:?}/.." && pwd -P) || exit 1
pete=$root/pete

# launch train|monitor|test|chat|evaluate: does it, says how it ended, and holds the window until return is pressed.
launch() {
    [ -x "$pete" ] || ended 1 "There is no program $pete: this copy of Pete is not complete.
Get it again (git clone), then run there: ./pete launchers install"
    trap : INT # Ctrl-C is for Pete, which saves; this shell stays to say so
    code=0
    case $1 in
        train) "$pete" train --overnight ;;
        evaluate) evaluate ;;
        *) "$pete" "$1" ;;
    esac || code=$?
    case $1-$code in
        *-0) ended 0 'Done.' ;;
        train-129 | train-130 | train-143) ended "$code" 'Stopped. Start this launcher again to go on.' ;;
        *-137) ended 137 "The system ended it, often for want of memory.$(logs)" ;;
        *-130) ended 130 'Stopped.' ;;
        *) ended "$code" "That did not work; the reason is above.$(logs)" ;;
    esac
}

evaluate() {
    verdict=0
    "$pete" evaluate || verdict=$?
    [ "$verdict" -eq 0 ] || [ "$verdict" -eq 3 ] || return "$verdict" # 3: not enough evidence, which is an answer and has a report
    written=$("$pete" report) || return
    printf '%s\n' "$written"
    opener=xdg-open # Debian has an "open", too, and it is something else
    [ "$(uname -s)" != Darwin ] || opener=open
    "$opener" "$(printf '%s\n' "$written" | grep -m 1 '\.html$')" >/dev/null 2>&1 || printf 'Open it in a browser.\n'
}

logs() {
    # shellcheck disable=SC2012 # the newest of names that Pete made, which find cannot sort
    newest=$(ls -t "${PETE_RUNS:-$root/runs}"/*/train.log 2>/dev/null | head -n 1)
    [ -z "$newest" ] || printf '\nThe log of the newest run: %s' "$newest"
    printf '\nWhat often helps: %s' "$root/docs/troubleshooting.md"
}

# ended CODE SENTENCE
ended() {
    printf '\n%s\nPress return to close. ' "$2"
    read -r _
    exit "$1"
}
