#!/usr/bin/env bash
# What passes through the latent of `aria`, against its width and against what takes the singer out of it: short runs on a
# rendered choir, each measured alike. The table comes out as WORK/latent.md, after about an hour on one core.
#
#   runs/aria_latent_curve.sh WORK
set -euo pipefail
work=${1:?give a folder to work in}
vocalise=${VOCALISE:-.venv/bin/vocalise} python=${PYTHON:-.venv/bin/python}
# channels : weight of the singer's confusion : seconds of the encoder's memory
points=${POINTS:-2:0.1:30 4:0.1:30 8:0.1:30 16:0.1:30 64:0.1:30 64:2.0:30 64:0.1:0}
pairs='Ada>Bruno,Bruno>Ada,Clara>Dario,Felix>Elin'

mkdir -p "$work"
[ -d "$work/choir" ] || "$vocalise" choir "$work/choir" --singers 6 --minutes 10
for point in $points; do
    IFS=: read -r channels weight memory <<< "$point"
    run="$work/run-$channels-$weight-$memory"
    "$vocalise" train aria "$work/choir" --out "$run" --size small --steps "${STEPS:-1200}" \
        --set model.encoder.channels="$channels" --set weights.singer="$weight" --set model.encoder.memory="$memory"
    "$vocalise" evaluate "$work/choir" --voice "$run/voice.safetensors" --out "$run/report" --seconds 15 \
        --transpose auto --pairs "$pairs" --judges network-band,gaussian-band
    "$python" benches/latent.py "$work/choir" --run "$run" --point "$weight | $memory" > "$run/row.md"
done
{
    printf '%s\n' '| channels | confusion | memory, s | singer probe | chance | pitch R² | content kept | syllables | target heard | dB |' \
        '|---|---|---|---|---|---|---|---|---|---|'
    for point in $points; do cat "$work/run-${point//:/-}/row.md"; done
} | tee "$work/latent.md"
