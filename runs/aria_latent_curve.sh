#!/bin/sh
# What passes through the latent of `aria`, against its width: short runs on a rendered choir, each measured alike.
#   sh runs/aria_latent_curve.sh WORK        the table comes out as WORK/latent.md; about 15 minutes on one core
set -eu
work=${1:?give a folder to work in}
steps=${STEPS:-400}
mkdir -p "$work"
[ -d "$work/choir" ] || vocalise choir "$work/choir" --singers 4 --minutes 2
printf '%s\n' '| channels | confusion | singer probe | chance | pitch R² | content kept | syllables | target heard | dB |' \
    '|---|---|---|---|---|---|---|---|---|' > "$work/latent.md"
for choice in 2:4.0 4:4.0 8:4.0 16:4.0 64:4.0 64:0.0 128:4.0; do
    channels=${choice%:*} weight=${choice#*:}
    run="$work/run-$channels-$weight"
    vocalise train aria "$work/choir" --out "$run" --size small --steps "$steps" \
        --set model.encoder.channels="$channels" --set model.encoder.width=96 --set model.decoder.width=128 \
        --set weights.singer="$weight" --set material.seconds=1.0 --set material.batch=8
    vocalise evaluate "$work/choir" --voice "$run/voice.safetensors" --out "$run/report" --seconds 10 --transpose auto
    python benches/latent.py "$work/choir" --run "$run" --confusion "$weight" >> "$work/latent.md"
done
cat "$work/latent.md"
