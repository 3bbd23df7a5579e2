# shellcheck shell=sh
# What the double-click launchers share. They source it with $launchers set to the folder it lies in, in the checkout.
# POSIX sh only: macOS has bash 3.2 as /bin/sh. Finder starts a launcher in the home folder with next to no PATH;
# ./pete finds uv and Python by itself, and whatever has to be decided is decided in Python.

root=$(CDPATH='' cd "${launchers:?}/.." && pwd -P) || exit 1
pete=$root/pete
runs=${PETE_RUNS:-$root/runs}

# launch train|monitor|test|chat|evaluate: does it, says how it ended, and holds the window until return is pressed.
launch() {
    [ -x "$pete" ] || ended 1 "There is no program $pete: this copy of Pete is not complete.
Get it again (git clone), then run there: ./pete launchers install"
    trap : INT # Ctrl-C is for Pete, which saves; this shell stays to say so
    code=0
    began=$(mktemp) || began=/
    case $1 in
        train) "$pete" train --overnight ;;
        evaluate) "$pete" evaluate --open ;;
        *) "$pete" "$1" ;;
    esac || code=$?
    case $1-$code in
        *-0) ended 0 'Done.' ;;
        evaluate-3) ended 0 'What came of it is above.' ;;
        evaluate-1) # a verdict is an answer, and has a report; work that failed ends with 1 too, and has none
            [ -z "$(find "$runs"/*/report.html -newer "$began" 2>/dev/null)" ] || ended 0 'What came of it is above.'
            ended 1 "That did not work; the reason is above.$(logs)"
            ;;
        train-129 | train-130 | train-143) ended "$code" 'Stopped. Start this launcher again to go on.' ;;
        *-137) ended 137 "The system ended it, often for want of memory.$(logs)" ;;
        *-130) ended 130 'Stopped.' ;;
        *) ended "$code" "That did not work; the reason is above.$(logs)" ;;
    esac
}

logs() {
    # shellcheck disable=SC2012 # the newest of names that Pete made, which find cannot sort
    newest=$(ls -t "$runs"/*/train.log 2>/dev/null | head -n 1)
    [ -z "$newest" ] || printf '\nThe log of the newest run: %s' "$newest"
    printf '\nWhat often helps: %s' "$root/docs/troubleshooting.md"
}

# ended CODE SENTENCE
ended() {
    [ ! -f "${began:-}" ] || rm -f "$began"
    printf '\n%s\nPress return to close. ' "$2"
    read -r _
    exit "$1"
}
