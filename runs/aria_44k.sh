#!/usr/bin/env bash
# `aria` at 44.1 kHz on the four voices at hand whose recordings reach so high: two voicebanks of syllables and two amateurs' notes,
# twelve minutes in all. docs/data.md names the recordings; the figures it gave are in docs/results.md.
#
#   DATA=path/to/recordings runs/aria_44k.sh WORK
set -euo pipefail
work=${1:?say where corpus, run and report shall be}
: "${DATA:?say where the recordings are, see docs/data.md}"
vocalise=${VOCALISE:-.venv/bin/vocalise}
python=${PYTHON:-.venv/bin/python}
voices=(singing/iona singing-gpl3/alys singing-gpl3/solfege-chengu singing-gpl3/solfege-jennifer)

mkdir -p "$work/corpus"
for voice in "${voices[@]}"; do cp -r "$DATA/$voice" "$work/corpus/"; done
"$vocalise" train aria "$work/corpus" --size small --set model.signal.rate=44100 --steps "${STEPS:-5000}" --out "$work/run"
"$vocalise" evaluate "$work/corpus" --voice "$work/run/voice.safetensors" --seconds 10 --transpose range --out "$work/report"
"$python" runs/table.py "$work/report/report.json"
