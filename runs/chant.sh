#!/usr/bin/env bash
# One system of the table on seven chanting voices, of whom two are one person: trained on all but a reading of each, held-out
# readings converted and judged. `runs/aria_chant.sh` is the row of `aria`. docs/data.md names the recordings.
#
#   DATA=path/to/recordings runs/chant.sh RECIPE WORK                   `small`, an hour: for a processor
#   DATA=… SIZE=medium MINUTES=25 runs/chant.sh usvc WORK               for a graphics card
#   DATA=… SET='protocols.1.mixing=false' runs/chant.sh usvc WORK       an ablation; several settings with spaces between
set -euo pipefail
recipe=${1:?say which recipe: usvc, pitchnet, umt, vqvae, vaevc or vawgan}
work=${2:?say where run and report shall be}
: "${DATA:?say where the recordings are, see docs/data.md}"
vocalise=${VOCALISE:-.venv/bin/vocalise}
python=${PYTHON:-.venv/bin/python}
corpus=${CORPUS:-$DATA/singing-gpl3}
voices=${SINGERS:-torah-a,torah-b,torah-c,torah-d,torah-e,torah-f,torah-h}
training=(--singers "$voices" --size "${SIZE:-small}" --minutes "${MINUTES:-60}" --out "$work/run")
for setting in ${SET:-}; do training+=(--set "$setting"); done
judging=(--singers "$voices" --voice "$work/run/voice.safetensors" --seconds "${SECONDS_OF_SONG:-10}" --out "$work/report")
case $recipe in # those that are told no pitch sing at the height they heard
    pitchnet | vawgan | vaevc) judging+=(--transpose range) ;;
esac
case $voices in *torah-c*torah-f*) judging+=(--same torah-f=torah-c) ;; esac
[ -z "${PAIRS:-}" ] || judging+=(--pairs "$PAIRS")

"$vocalise" train "$recipe" "$corpus" "${training[@]}"
"$vocalise" evaluate "$corpus" "${judging[@]}"
"$python" runs/table.py "$work/report/report.json"
