# shellcheck shell=sh
# Text in on stdin, the same in the persona's voice out on stdout, from a running `pete serve`: what the Quick Action and the Shortcut
# do. On any failure nothing is printed there, and the code is not 0: macOS then leaves the selected text as it is.
# PETE_SERVE names the folder with the server's key and address. POSIX sh only, with what /usr/bin of macOS has.
set -u
LC_ALL=C # bytes: awk and sed must not stumble over a character
export LC_ALL

fail() {
    printf 'Pete: %s\n' "$1" >&2
    osascript -e 'on run argv' -e 'display notification (item 1 of argv) with title "Pete"' -e 'end run' "$1" >/dev/null 2>&1 || :
    exit 1
}

# Text as it stands between the quotes of JSON.
quoted() {
    tr -d '\000-\010\013\014\016-\037\177' |
        sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e "s/$(printf '\t')/\\\\t/g" -e "s/$(printf '\r')/\\\\r/g" |
        awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }'
}

place=${PETE_SERVE:-}
[ -r "$place/key" ] && [ -r "$place/address" ] || fail 'The server has not been started yet: ./pete serve'
{ read -r url && read -r model; } <"$place/address" || fail 'The server has not been started yet: ./pete serve'
read -r key <"$place/key" || fail 'The server has no key: start it again, ./pete serve'
work=$(mktemp -d) || fail 'There is no room for a temporary file.'
trap 'rm -rf "$work"' EXIT
cat >"$work/text"
grep -q '[^[:space:]]' "$work/text" || fail 'Select some text first.'
{
    printf '{"model":"%s:rewrite","messages":[{"role":"user","content":"' "$(printf '%s' "$model" | quoted)"
    quoted <"$work/text"
    printf '"}]}'
} >"$work/body"
# the key goes through a pipe: arguments are for everybody to see
code=$(printf 'header = "Authorization: Bearer %s"\n' "$key" |
    curl -q -sS --noproxy '*' --max-time 600 --config - -H 'Content-Type: application/json' -H 'Accept: text/plain' \
        --data-binary "@$work/body" -o "$work/answer" -w '%{http_code}' "$url/v1/chat/completions" 2>/dev/null)
case $code in
    200) ;;
    000 | '') fail 'No server answers: start it with ./pete serve' ;;
    401) fail 'The key does not fit: stop the server and start it again, ./pete serve' ;;
    404) fail 'The server has another model by now: try again in a moment.' ;;
    400 | 413)
        ! grep -q -e request_too_large "$work/answer" || fail 'The text is too long: select less.'
        said=$(sed -n 's/.*"message": *"\([^"\\]*\)".*/\1/p' "$work/answer")
        fail "The server did not take the text. $said"
        ;;
    429) fail 'The server is busy: try again in a moment.' ;;
    *) fail "The server could not do it (status $code)." ;;
esac
grep -q '[^[:space:]]' "$work/answer" || fail 'The model had nothing to say: try again.'
cat "$work/answer"
