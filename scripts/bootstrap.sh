# shellcheck shell=sh
# Makes .venv and keeps it equal to requirements/. Sourced by ./pete and ./check, which set $root.
# POSIX sh only: macOS has bash 3.2 as /bin/sh, Debian dash. Everything said goes to stderr: stdout belongs to `pete --json`.

venv=${root:?}/.venv
lock=$root/.venv.lock
extras='bench mlx serve wandb' # what `./pete install NAME` knows: groups of pyproject.toml, each with its requirements/NAME.txt
# A double-clicked launcher gets a PATH without these. PETE_PLACES is for the tests.
framework=/Library/Frameworks/Python.framework/Versions # where python.org's installers put theirs
places=${HOME:-}/.local/bin:${HOME:-}/.cargo/bin:/opt/homebrew/bin:/usr/local/bin:$framework/3.13/bin:$framework/3.12/bin:$framework/3.11/bin
places=${PETE_PLACES:-$places}

quiet=-q
[ ! -t 2 ] || quiet= # a progress bar is for eyes

say() { printf 'Pete: %s\n' "$1" >&2; }
die() { say "$2"; exit "$1"; }

# bootstrap run|dev [EXTRA]: returns when .venv holds what requirements/ asks for, and sets the variables Python starts with.
bootstrap() {
    case $(uname -s) in
        Darwin) platform=macos ;;
        *) platform=linux ;;
    esac
    what=$1
    asked=
    for extra in $extras; do [ "${2:-}" != "$extra" ] || asked=$extra; done # ./pete has words for a name that is none of them
    fresh || update || exit $?
    unset PYTHONDONTWRITEBYTECODE # compiling transformers anew at every start costs seconds
    PYTHONPATH=$root/src${PYTHONPATH:+:$PYTHONPATH}
    export PYTHONPATH
}

# A stamp is a copy of the requirement files that were installed, put in place as the last step: no stamp, no environment.
fresh() {
    [ -x "$venv/bin/python" ] && holds run && { [ "$what" = run ] || holds dev; } || return
    for extra in $extras; do ! wants "$extra" || holds "$extra" || return; done
}
# An extra that was installed once stays, also when .venv is made anew; ./check tests them all.
wants() { [ "$what" = dev ] || [ "$1" = "$asked" ] || [ -f "$lock/extra-$1" ]; }
holds() { [ -f "$venv/stamp-$1" ] && wanted "$1" | cmp -s - "$venv/stamp-$1"; }
wanted() {
    case $1$platform in
        dev*) cat "$root/requirements/dev.txt" ;;
        runmacos) cat "$root/requirements/macos.txt" ;;
        runlinux) cat "$root/requirements/linux.txt" "$root/requirements/torch-linux.txt" ;;
        *) cat "$root/requirements/$1.txt" ;;
    esac
}

update() (
    take_lock
    fresh || install # another start may have done it while this one waited
    drop_lock
)

install() {
    cd "$root" || exit 1 # uv reads the settings of the project it runs in; the one around the caller may have its own
    began=$(date +%s)
    if [ -x "$venv/bin/python" ] && [ -f "$venv/stamp-run" ]; then
        if ! holds run; then
            say 'the requirements have changed; updating .venv ...'
        elif [ "$what" = dev ]; then
            say 'installing what ./check needs into .venv ...'
        elif [ -n "$asked" ]; then
            say "installing $asked into .venv ..."
        else
            say "the requirements of an extra have changed; updating .venv ..."
        fi
        uv=$(find_program uv) || uv=$venv/bin/uv
        [ -x "$uv" ] || make_venv
    else
        say 'first start: installing Python packages into .venv (some 400 MB, one to five minutes) ...'
        make_venv
    fi
    carry_pip_settings
    if ! holds run; then
        rm -f "$venv"/stamp-* # from here on, an interruption means starting over
        wanted run >"$venv/new-run"
        packages --no-deps --require-hashes -r "requirements/$platform.txt"
        [ "$platform" != linux ] || torch
        mv "$venv/new-run" "$venv/stamp-run"
    fi
    [ "$what" = run ] || holds dev || add dev
    for extra in $extras; do
        if wants "$extra" && ! holds "$extra"; then
            add "$extra"
            : >"$lock/extra-$extra"
        fi
    done
    say "installed in $(($(date +%s) - began)) s."
}

# PyPI's PyTorch for Linux brings several GB of CUDA packages. Where the settings of this machine lead to those, uv takes the build
# that fits its graphics card, or the small one where there is none, from PyTorch's own index.
torch() {
    set -- -r requirements/torch-linux.txt
    if [ -z "${UV_TORCH_BACKEND:-}" ]; then
        case $(step "$uv" pip install --dry-run --python "$venv/bin/python" --only-binary :all: "$@" 2>&1) in
            *nvidia-* | *rocm* | *error:*) set -- --torch-backend auto "$@" ;;
        esac
    fi
    (packages "$@") || die 1 'PyTorch could not be installed, see above. Where download.pytorch.org cannot be reached: UV_FIND_LINKS=FOLDER
  in the environment takes a build from a folder, UV_TORCH_BACKEND=cu130 (or cpu) names one. When mended, start again.'
}

add() {
    wanted "$1" >"$venv/new-$1"
    packages --no-deps --require-hashes -r "requirements/$1.txt"
    mv "$venv/new-$1" "$venv/stamp-$1"
}

make_venv() {
    if [ "$platform" = macos ] && [ "$(uname -m)" != arm64 ]; then
        die 2 'needs a Mac with Apple silicon, and a terminal that is not opened with Rosetta: PyTorch has no build for Intel Macs.'
    fi
    rm -rf "$venv" || exit 1
    if uv=$(find_program uv) && step "$uv" venv ${quiet:+"$quiet"} --python "${UV_PYTHON:->=3.11,<3.14}" "$venv"; then
        return
    fi
    python=$(find_python 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))') || die 2 \
        'found neither uv nor a Python 3.11, 3.12 or 3.13 that can make environments. Install one of them, then start again:
  uv (small, fetches a Python by itself): https://docs.astral.sh/uv/getting-started/installation/
  Python 3.13: https://www.python.org/downloads/ (Debian, Ubuntu: the package python3-venv too)'
    rm -rf "$venv"
    step "$python" -m venv "$venv" >&2 || failed
    step "$venv/bin/python" -m pip install -q --disable-pip-version-check --only-binary :all: --require-hashes \
        -r requirements/uv.txt >&2 || failed
    uv=$venv/bin/uv
}

# Wheels only: a source package runs its own program, and some compile for minutes.
packages() {
    step "$uv" pip install ${quiet:+"$quiet"} --python "$venv/bin/python" --only-binary :all: "$@" >&2 || failed
}

failed() { die 1 'installing failed, see above. What was downloaded is kept; when the cause is mended, start again.'; }

# shellcheck disable=SC2030,SC2031 # local to the subshell is what is wanted
find_program() (
    PATH=$PATH:$places
    command -v "$1"
)

# The first Python that runs the program $1 without an error. Each one is tried: pyenv's shims exist for versions that don't run.
find_python() (
    names=python3.13:python3.12:python3.11:python3
    [ -z "${UV_PYTHON:-}" ] || names=$UV_PYTHON:python$UV_PYTHON # uv's own variable, a version or a path
    # shellcheck disable=SC2031 # as above
    dirs=$PATH:$places
    IFS=:
    for name in $names; do
        for dir in $dirs; do
            case $name in /*) python=$name ;; *) python=$dir/$name ;; esac
            [ -x "$python" ] || continue
            # On a new Mac this one is a stub that opens a window and offers to install Xcode's tools.
            [ "$platform$python" != macos/usr/bin/python3 ] || xcode-select -p >/dev/null 2>&1 || continue
            if "$python" -c "$1" >/dev/null 2>&1; then
                printf '%s\n' "$python"
                exit
            fi
        done
    done
    exit 1
)

# uv doesn't read pip's settings, and a machine that has some needs them: mirrors, local wheels, a company's certificate.
carry_pip_settings() {
    pip_list=
    if python=$(unset UV_PYTHON && find_python 'import pip'); then
        pip_list=$("$python" -m pip config list 2>/dev/null) || pip_list=
    fi
    : "${UV_SYSTEM_CERTS:=1}" "${UV_NATIVE_TLS:=1}" # trust what the system trusts, as pip does; the second is older uv's name
    export UV_SYSTEM_CERTS UV_NATIVE_TLS
    value=${PIP_CERT:-$(pip_setting cert)}
    [ -n "${SSL_CERT_FILE:-}" ] || [ -z "$value" ] || export SSL_CERT_FILE="$value"
    value=$(echo "${PIP_FIND_LINKS:-$(pip_setting find-links)}" | tr -s ' ' ,) # uv's list has commas
    [ -n "${UV_FIND_LINKS:-}" ] || [ -z "$value" ] || export UV_FIND_LINKS="$value"
    value=${PIP_INDEX_URL:-$(pip_setting index-url)}
    [ -n "${UV_DEFAULT_INDEX:-${UV_INDEX_URL:-}}" ] || [ -z "$value" ] || export UV_DEFAULT_INDEX="$value"
    value=${PIP_EXTRA_INDEX_URL:-$(pip_setting extra-index-url)}
    if [ -z "${UV_INDEX:-${UV_EXTRA_INDEX_URL:-}}" ] && [ -n "$value" ]; then
        export UV_INDEX="$value"
        # pip looks into every index, uv stops at the first that knows the name; the hashes make looking on safe
        : "${UV_INDEX_STRATEGY:=unsafe-best-match}"
        export UV_INDEX_STRATEGY
    fi
}

# `pip config list` prints name='value', newlines in it as \n; [install] goes before [global] and is listed after it.
pip_setting() {
    printf '%s\n' "$pip_list" | sed -n -e "s/^global\.$1=.\(.*\).\$/\1/p" -e "s/^install\.$1=.\(.*\).\$/\1/p" |
        tail -n 1 | sed -e 's/\\n/ /g' -e 's/^ *//'
}

# The lock: a chain of links in .venv.lock, each naming who came after whom. Making a link is atomic and exactly one process can
# follow a dead one, so that taking over is as safe as taking. Nothing is removed from it, so no two starts see different chains.
take_lock() {
    token=$(exec sh -c 'echo $PPID').$(date +%s) # the number of this subshell, which goes on when its parent is killed
    mkdir -p "$lock" || die 1 "cannot write to $root"
    told=
    while :; do
        last=start
        while next=$(readlink "$lock/after-$last"); do last=$next; done
        if ! running "$last"; then
            ln -s "$token" "$lock/after-$last" 2>/dev/null && return
            [ -h "$lock/after-$last" ] || die 1 "cannot write to $lock"
            continue # another start was quicker
        fi
        [ -n "$told" ] || say "another start is installing (process ${last%%.*}), waiting for it ..."
        told=1
        sleep 1
    done
}
drop_lock() {
    rm -f "$lock/step-$token"
    ln -s "done.$token" "$lock/after-$token"
}
# A killed shell leaves its installer running, still writing into .venv: that counts too.
running() { alive "${1%%.*}" || { [ -f "$lock/step-$1" ] && alive "$(cat "$lock/step-$1")"; }; }
alive() {
    state=$(ps -o stat= -p "$1" 2>/dev/null) || { kill -0 "$1" 2>/dev/null; return; } # small containers have no ps
    case $state in Z*) return 1 ;; esac # dead, and in a container perhaps nobody ever collects it
}
# shellcheck disable=SC2016 # the inner shell expands them; exec gives the installer the number written down
step() { sh -c 'echo $$ >"$0" && exec "$@"' "$lock/step-$token" "$@"; }
