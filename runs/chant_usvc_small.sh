#!/usr/bin/env bash
# Unsupervised singing voice conversion on real chant: four readers, 45 minutes on a processor, and one held-out reading
# converted to two others. docs/data.md names the recordings; the figures it gave are in docs/results.md.
#
#   DATA=path/to/recordings runs/chant_usvc_small.sh RUN
set -euo pipefail
run=${1:?say where the run folder shall be}
: "${DATA:?say where the recordings are, see docs/data.md}"
vocalise=${VOCALISE:-.venv/bin/vocalise}
python=${PYTHON:-.venv/bin/python}

"$vocalise" train usvc "$DATA/singing-gpl3" --singers torah-a,torah-b,torah-c,torah-e \
    --size small --minutes 45 --out "$run"
song="$DATA/singing-gpl3/torah-a/AchreiMot-6.mp3" # held out
for singer in torah-a torah-c torah-e; do
    "$vocalise" convert "$song" --voice "$run/voice.safetensors" --to "$singer" --out "$run/converted/as-$singer.wav"
done
"$python" examples/compare_two_songs.py "$song" "$run"/converted/as-*.wav --start 20 --seconds 8 --picture "$run/compared.png"
