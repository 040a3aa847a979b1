#!/usr/bin/env bash
# Every system that converts, trained for the same minutes on the same six virtual singers, and measured by the same judges.
#
#   runs/family_choir.sh WORK          WORK/choir, WORK/<recipe>/{run,report}, and the table on the terminal
#   RECIPES="vaevc vawgan" MINUTES=5 runs/family_choir.sh WORK
set -euo pipefail
work=${1:?say where choir, runs and reports shall be}
vocalise=${VOCALISE:-.venv/bin/vocalise}
python=${PYTHON:-.venv/bin/python}
read -ra recipes <<< "${RECIPES:-usvc umt pitchnet vqvae vaevc vawgan aria}"
pairs='Ada>Bruno,Bruno>Clara,Clara>Dario,Dario>Elin,Elin>Felix,Felix>Ada'

[ -d "$work/choir" ] || "$vocalise" choir "$work/choir" --singers 6 --minutes 10
for recipe in "${recipes[@]}"; do
    judging=(--seconds "${SECONDS_OF_SONG:-8}" --pairs "$pairs" --out "$work/$recipe/report")
    case $recipe in # those that are told no pitch sing at the height they heard, and say so when asked to move
        pitchnet | vawgan | vaevc | aria) judging+=(--transpose auto) ;;
    esac
    "$vocalise" train "$recipe" "$work/choir" --size small --minutes "${MINUTES:-10}" --out "$work/$recipe/run"
    "$vocalise" evaluate "$work/choir" --voice "$work/$recipe/run/voice.safetensors" "${judging[@]}"
done
"$python" runs/table.py "$work"/*/report/report.json
