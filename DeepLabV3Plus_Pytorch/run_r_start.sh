#!/usr/bin/env bash
# Corrected labels without a foundation model and without ready masks: ALC's R-start. Superpixels take the place of
# masks, a few random clicks that of first labels; then the rounds of ALC follow.
#
# Usage: bash DeepLabV3Plus_Pytorch/run_r_start.sh DATA OUT [key=value ...]     'a2lc run --keys' lists the keys
#   DATA          folder with images/, classes.yaml and ground_truth/ (which answers; annotator=answers asks you instead)
#   OUT           folder for superpixels/, runs/, results/ and, at the end, corrected/
#   SUPERPIXELS   slic, felzenszwalb, or seeds as in the paper, which needs pip install 'a2lc[seeds]'   (default: slic)
#   SEGMENTS      about how many for each image                                  (default: one for each 32x32 pixels)
#
# For example: bash DeepLabV3Plus_Pytorch/run_r_start.sh my_images out start.clicks=300 rounds=3 budget=100
# ALC's other starts: masks of Grounded-SAM instead of superpixels (R-SAM) are pseudo_labels=<set> start=clicks;
# labels of Grounded-SAM on superpixels (G-SEEDS) are run_superpixels.sh … --labels <set>, without start=clicks.
# Stopped at any moment, the same command continues.
set -euo pipefail
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"; }
case "${1:-}" in -h | --help) usage; exit ;; esac
if [ $# -lt 2 ]; then
    usage >&2
    exit 2
fi
data="$1" out="$2"
shift 2

given=""
for variable in SUPERPIXELS SEGMENTS; do
    [ -z "${!variable:-}" ] || given+="$variable=${!variable} "
done
export A2LC_COMMAND="${given}bash DeepLabV3Plus_Pytorch/run_r_start.sh $data $out${*:+ $*}"
A2LC_TOOLS="grounded_sam, skimage"
source "$(dirname "${BASH_SOURCE[0]}")/../setup.sh"
bash "$A2LC_ROOT/Grounded-Segment-Anything/run_superpixels.sh" "$data/images" "$data/classes.yaml" "$out/superpixels" \
    --method "${SUPERPIXELS:-slic}" ${SEGMENTS:+--segments "$SEGMENTS"}
settings=(
    experiment=r_start method=alc start=clicks
    "dataset.root=$data" "pseudo_labels=$out/superpixels" "output=$out" "$@"
)
a2lc run folder "${settings[@]}"
if [ -e "$out/corrected" ] && [ ! -e "$out/corrected/.unfinished" ]; then
    echo "$out/corrected is there already: delete it to have it written again" >&2
else
    a2lc export folder "${settings[@]}" --to "$out/corrected"
fi
