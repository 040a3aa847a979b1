#!/usr/bin/env bash
# What each idea of `usvc` adds: the paper's ablations, one after the other, each by `runs/chant.sh` and with the same minutes.
#
#   DATA=path/to/recordings runs/ablations.sh WORK                      SIZE, MINUTES, SINGERS as there
#   ONLY="whole no-mixing" runs/ablations.sh WORK                       some of them
set -euo pipefail
work=${1:?say where runs and reports shall be}
python=${PYTHON:-.venv/bin/python}
for name in ${ONLY:-whole no-confusion no-augmentation no-backtranslation no-mixing}; do
    case $name in
        whole) setting='' ;;
        no-confusion) setting='adversaries=[]' ;;
        no-augmentation) setting='protocols.0.augment=original' ;;
        no-backtranslation) setting='protocols.1.start=1' ;;
        no-mixing) setting='protocols.1.mixing=false' ;;
        *) echo "There is no ablation $name." >&2 && exit 2 ;;
    esac
    echo "== $name"
    SET=$setting runs/chant.sh usvc "$work/$name"
done
"$python" runs/table.py "$work"/*/report/report.json
