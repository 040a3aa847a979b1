#!/usr/bin/env bash
# `aria` on seven chanting voices, of whom two are one person: 10 to 21 minutes each, in the longest readings of each, and
# held-out readings converted. docs/data.md names the recordings; the figures it gave are in docs/results.md.
#
#   DATA=path/to/recordings runs/aria_chant.sh WORK
set -euo pipefail
work=${1:?say where run and report shall be}
: "${DATA:?say where the recordings are, see docs/data.md}"
vocalise=${VOCALISE:-.venv/bin/vocalise}
readings=(AchreiMot-1 Metzora-4 Emor-H Shlach-2 Shlach-3 Shlach-4 Chukat-5 Korach-3 Lech-Lecha-6 Noach-7 Vayera-7
    Devarim-3 Reeh-6 Shoftim-1 Vayeshev-6 Vayeshev-H Vayishlach-4 Vayishlach-H Miketz-H Vayigash-H)
only=()
for reading in "${readings[@]}"; do only+=(--include "*/$reading.mp3"); done

# Rooms differ more than voices here: the encoder learns in other colours, from other throats and in hiss, and has to write
# the same of two such hearings.
ear=(--set model.encoder.warp=0.2 --set model.encoder.colour=6 --set model.encoder.hiss=-32 --set adversaries.5=Invariance)
weights='{"decoder":1,"singer":0.5,"pitch":0.1,"critic":0.25,"sung_by":0.5,"consistency":1,"invariance":6}'

"$vocalise" train aria "$DATA/singing-gpl3" "${only[@]}" --size small --set material.bandwidth=file "${ear[@]}" \
    --set "weights=$weights" --steps "${STEPS:-9000}" --out "$work/run"
"$vocalise" evaluate "$DATA/singing-gpl3" "${only[@]}" --voice "$work/run/voice.safetensors" \
    --same torah-f=torah-c --seconds "${SECONDS_OF_SONG:-10}" --transpose range --out "$work/report"
