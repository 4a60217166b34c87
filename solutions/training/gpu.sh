#!/usr/bin/env bash
# Trains the reference networks that have no run on a GPU yet, at the same time, records them, and says what is left.
#
#     solutions/training/gpu.sh [options] [NAME...]        # without names: everything that waits
#
#     --minutes M     stop after so many minutes; started again, it goes on from the last whole epoch
#     --keep FILE     a .tgz of what was trained and recorded: unpacked first where it exists, and written at the
#                     end, so that a run can go on on another machine
#     --workers N     so many processes share the GPU (default: as many as there are cores, at most 12)
#     --device D      "cuda" (default), or "cpu" to try all of it without one
#     --quick         one seed, one epoch and few images of every script, nothing recorded: does it run here?
#     --python P      the Python to use (default: .venv's where there is one, else python3)
#
# A network of a few thousand numbers leaves a GPU idle most of the time, so the workers take (variant, seed) by
# (variant, seed) from one list until nothing is left. Networks whose seconds are part of their claim are trained
# afterwards, alone. Needs no network: set CONVCOURSE_DATA to a folder that holds the images.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
device=cuda minutes=0 keep='' workers='' quick='' python=''
while [[ ${1-} == --* ]]; do
    case $1 in
        --quick) quick=1; shift ;;
        --device | --minutes | --keep | --workers | --python)
            [[ $# -ge 2 ]] || { echo "gpu.sh: $1 needs a value" >&2; exit 2; }
            printf -v "${1#--}" %s "$2"; shift 2 ;;
        *) echo "gpu.sh: unknown option $1; the first lines of $0 list them" >&2; exit 2 ;;
    esac
done
if [[ -z $python ]]; then python=$root/.venv/bin/python; [[ -x $python ]] || python=python3; fi
if [[ -z $workers ]]; then workers=$(nproc); ((workers > 12)) && workers=12; fi
export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1 OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
[[ -n $keep && $keep != /* ]] && keep=$PWD/$keep
cd "$root" || exit 1
deadline=$((minutes ? SECONDS + minutes * 60 : 0))

# Run a command until the deadline. It gets a SIGTERM then; what its last checkpoint holds is not lost.
in_time() {
    if ((!deadline)); then "$@"; return; fi
    ((deadline > SECONDS)) || return 124
    timeout $((deadline - SECONDS)) "$@"
}

[[ -n $keep && -f $keep ]] && tar xzf "$keep"
if (($#)); then names=("$@"); else mapfile -t names < <("$python" -m solutions.training.check --waiting); fi
if ((!${#names[@]})); then echo "nothing waits for a GPU"; exit 0; fi

failed=()
if [[ $quick ]]; then
    for name in "${names[@]}"; do
        in_time "$python" -m "solutions.training.$name" --quick --device "$device" || failed+=("$name")
    done
    if ((${#failed[@]})); then echo "does not run: ${failed[*]}"; exit 1; fi
    echo "all run: ${names[*]}"
    exit 0
fi

export PROCESSES_BESIDE=$((workers - 1))
for ((worker = 0; worker < workers; worker++)); do
    in_time "$python" -m solutions.training "${names[@]}" --not-timed --device "$device" &
done
wait
export PROCESSES_BESIDE=0
for name in "${names[@]}"; do  # trains what is timed, or was left, and records what is complete
    in_time "$python" -m "solutions.training.$name" --device "$device" || failed+=("$name")
done

if [[ -n $keep ]]; then
    mkdir -p _build/training
    tar czf "$keep.part" _build/training solutions/training/runs && mv "$keep.part" "$keep"
fi
echo "still waiting for a GPU: $("$python" -m solutions.training.check --waiting | tr '\n' ' ')"
if ((${#failed[@]})); then echo "not finished in this call: ${failed[*]}"; exit 1; fi
