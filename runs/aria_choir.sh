#!/usr/bin/env bash
# `aria` on six virtual singers: ten minutes each, about 50 minutes of one core, all held-out songs to all singers.
#
#   runs/aria_choir.sh WORK          WORK/choir, WORK/run, WORK/report
set -euo pipefail
work=${1:?say where choir, run and report shall be}
vocalise=${VOCALISE:-.venv/bin/vocalise}

[ -d "$work/choir" ] || "$vocalise" choir "$work/choir" --singers 6 --minutes 10
"$vocalise" train aria "$work/choir" --size small --steps "${STEPS:-14000}" --out "$work/run"
"$vocalise" evaluate "$work/choir" --voice "$work/run/voice.safetensors" --seconds 15 --transpose auto --out "$work/report"
