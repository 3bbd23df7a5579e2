#!/bin/sh
# Everything that a device which no CI has is to be tried with, in one go: the engine's tests on it, whole trainings, speeds beside peers.
#
#     benchmarks/gpu.sh DEVICE FOLDER        DEVICE is cuda or mps (cpu tries the script); FOLDER takes the logs and JSON files
#
# In a checkout, after ./check has installed what it needs; another Python is named by PYTHON. No weights are downloaded: bases of
# the exact shapes of SmolLM2-135M and Pythia-1.4b are drawn. SMOLLM2 names a folder with SmolLM2's config.json and tokenizer, the
# embedded base's unless given. STEPS and TOKENS are the length of the measurements, DTYPE the
# dtype of the trainings, PARTS what is done.
set -u
[ $# = 2 ] || { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
device=$1 out=$2
mkdir -p "$out" || exit 1
out=$(CDPATH='' cd "$out" && pwd -P)
cd "$(dirname "$0")/.." || exit 1
python=${PYTHON:-.venv/bin/python} steps=${STEPS:-30} tokens=${TOKENS:-100} parts=${PARTS:-tests kill plan speed}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export PYTHONPATH="src${PYTHONPATH:+:$PYTHONPATH}" PETE_CACHE="${PETE_CACHE:-$work/cache}" PYTHONUNBUFFERED=1
failed='' tests='' drawn=''

# step NAME COMMAND...: run it, its output in NAME.log, and say how long it took.
step() {
    name=$1 began=$(date +%s)
    shift
    if "$@" >"$out/$name.log" 2>&1; then said=passed; else said=FAILED failed="$failed $name"; fi
    echo "== $name: $said, $(($(date +%s) - began)) s"
    tail -n 12 "$out/$name.log" | cut -c1-400
    [ "$said" = passed ]
}
bench() {
    script=$1
    shift
    "$python" "benchmarks/$script.py" "$@"
}
engine_tests() {
    PETE_TEST_DEVICE=$device "$python" -m pytest -m 'torch or not torch' -n "${WORKERS:-8}" -p no:cacheprovider --durations 5 -ra \
        --tb short tests/engines tests/unit/engines/torch
}

case " $parts " in *' tests '*)
    step selftest "$python" -P -m pete.engines.torch.selftest_checks "$device"
    step tests engine_tests & # beside what only has to be right
    tests=$!
    ;;
esac
case " $parts " in *' plan '* | *' speed '*)
    step pythia bench random_base --shape "${PYTHIA:-pythia-1.4b}" --out "$work/pythia-random" &
    drawn=$!
    ;;
esac
step smollm2 bench random_base --like "${SMOLLM2:-$("$python" -c 'from pete.engines.base_models.embedded import embedded_base as b; print(b().folder)')}" \
    --out "$work/smollm2-135m-random"
case " $parts " in *' kill '*)
    step kill bench whole_training --base "$work/smollm2-135m-random" --device "$device" --out "$work/kill" --steps "$steps" --kill \
        --set train.save_every=5 --set train.eval_every=10 --set lora.dropout=0.05 --set "model.dtype=${DTYPE:-bfloat16}"
    ;;
esac
[ -z "$tests" ] || wait "$tests" || failed="$failed tests"
[ -z "$drawn" ] || wait "$drawn" || failed="$failed pythia"
# what follows is measured
for base in smollm2-135m-random pythia-random; do
    case " $parts " in *' plan '* | *' speed '*)
        step "plan-$base" bench whole_training --base "$work/$base" --device "$device" --out "$work/run-$base" --steps "$steps" \
            --set train.eval_every=10 --set "model.dtype=${DTYPE:-bfloat16}"
        ;;
    esac
    case " $parts " in *' speed '*)
        step "train-$base" bench training_speed --base "$work/$base" --device "$device" --steps "$steps" --rows 8 64 \
            --out "$out/train-$base.json"
        step "decode-$base" bench decode_speed "$work/run-$base" --tokens "$tokens" --out "$out/decode-$base.json"
        ;;
    esac
done
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
