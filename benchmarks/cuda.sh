#!/bin/sh
# What no CI has: the engine's tests on an NVIDIA card, and the bench on it, in about five minutes, as one table.
#
#     benchmarks/cuda.sh FOLDER        FOLDER takes logs, bench.json and bench.svg
#
# This script itself has not been run yet on a card: only its parts were, on a CPU (DEVICE=cpu tries it). The one before it had
# (docs/log.md). In a checkout, after ./check has installed what it needs, with a CUDA build of torch; another Python is named by PYTHON.
# No weights are downloaded: a base of SmolLM2-135M's exact shape is drawn; BASE names another (a folder, or a hub id that is cached).
# FlashAttention is used by the peers where the package flash-attn is installed. Killed and resumed trainings: whole_training.py --kill.
set -u
[ $# = 1 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
device=${DEVICE:-cuda} python=${PYTHON:-.venv/bin/python} began=$(date +%s) failed=''
mkdir -p "$1" || exit 1
out=$(CDPATH='' cd "$1" && pwd -P)
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export PYTHONPATH="src${PYTHONPATH:+:$PYTHONPATH}" PETE_CACHE="${PETE_CACHE:-$work/cache}" PYTHONUNBUFFERED=1 COLUMNS="${COLUMNS:-150}"

# step NAME COMMAND...: run it, its output in NAME.log; a line for the table.
step() {
    name=$1 start=$(date +%s)
    shift
    if "$@" >"$out/$name.log" 2>&1; then said=passed; else said=FAILED failed="$failed $name"; fi
    last=$(grep -v '^ *$' "$out/$name.log" | tail -n 1 | cut -c1-90)
    printf '%-12s %-7s %4s s  %s\n' "$name" "$said" "$(($(date +%s) - start))" "$last" >>"$out/table.txt"
    [ "$said" = passed ]
}
: >"$out/table.txt"
base=${BASE:-$work/smollm2-135m-random}
step selftest "$python" -P -m pete.engines.torch.selftest_checks "$device"
step conformance env "PETE_TEST_DEVICE=$device" "$python" -m pytest -q -n "${WORKERS:-8}" -p no:cacheprovider -m 'torch or not torch' --tb short \
    tests/engines/test_conformance.py tests/engines/test_torch_engine.py
if [ -n "${BASE:-}" ] || step drawn "$python" -m benchmarks.random_base --out "$base" \
    --like "$("$python" -c 'from pete.engines.base_models.embedded import embedded_base as b; print(b().folder)')"; then
    step bench "$python" -m pete bench --quick --out "$out" --set "model.base=$base" --set "engine.device=$device"
fi
grep -v '^ *$' "$out/bench.log" 2>/dev/null
echo
cat "$out/table.txt"
echo "$(($(date +%s) - began)) s in all; logs in $out"
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
