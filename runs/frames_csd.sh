#!/usr/bin/env bash
# The systems that draw frames for a vocoder, `vaevc` and `vawgan`, on twelve choir singers, a hundred seconds each: every section
# to every other, and to itself. docs/data.md names the recordings; the figures it gave are in docs/results.md.
#
#   DATA=path/to/recordings runs/frames_csd.sh WORK          WORK/<recipe>/{run,report}, and the table on the terminal
set -euo pipefail
work=${1:?say where runs and reports shall be}
: "${DATA:?say where the recordings are, see docs/data.md}"
vocalise=${VOCALISE:-.venv/bin/vocalise}
python=${PYTHON:-.venv/bin/python}
singers=csd-alto1,csd-alto2,csd-alto3,csd-bass1,csd-bass2,csd-bass3
singers+=,csd-soprano1,csd-soprano2,csd-soprano3,csd-tenor1,csd-tenor2,csd-tenor3
pairs='csd-alto1>csd-tenor2,csd-alto2>csd-soprano1,csd-alto3>csd-bass1,csd-bass1>csd-alto1,csd-bass2>csd-tenor1,csd-bass3>csd-soprano2'
pairs+=',csd-soprano1>csd-bass2,csd-soprano2>csd-alto2,csd-soprano3>csd-tenor3,csd-tenor1>csd-bass3,csd-tenor2>csd-soprano3,csd-tenor3>csd-alto3'
pairs+=',csd-alto1>csd-alto2,csd-bass1>csd-bass2,csd-soprano1>csd-soprano2,csd-tenor1>csd-tenor2'

for recipe in ${RECIPES:-vaevc vawgan}; do
    "$vocalise" train "$recipe" "$DATA/singing" --singers "$singers" --size small \
        --steps "${STEPS:-6000}" --out "$work/$recipe/run"
    "$vocalise" evaluate "$DATA/singing" --singers "$singers" \
        --voice "$work/$recipe/run/voice.safetensors" --pairs "$pairs" --out "$work/$recipe/report"
done
"$python" runs/table.py "$work"/*/report/report.json
