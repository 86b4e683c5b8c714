#!/usr/bin/env bash
# Masks for your own images without a foundation model: a folder of photos in, superpixels to be labelled out.
#
# Usage: bash Grounded-Segment-Anything/run_superpixels.sh IMAGES CLASSES OUT [options]
#   IMAGES           folder of photos, sub-folders are searched
#   CLASSES          class list, for example: classes: [road, car, person]
#   OUT              new folder for the pseudo-label set, outside IMAGES
#   --method NAME    slic (default), felzenszwalb or seeds; seeds needs pip install 'a2lc[seeds]'
#   --segments N     about how many for each image     (default: one for each 32x32 pixels)
#   --labels SET     pseudo-label set of the same images whose labels the superpixels get (default: all are void)
#   NUM_PROCESSES    processes that share the images   (default: 1)
#
# Stopped at any moment, the same command continues.
set -euo pipefail
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"; }
case "${1:-}" in -h | --help) usage; exit ;; esac
if [ $# -lt 3 ]; then
    usage >&2
    exit 2
fi
images="$1" classes="$2" out="$3"
shift 3

A2LC_TOOLS="grounded_sam, skimage"
source "$(dirname "${BASH_SOURCE[0]}")/../setup.sh"
command=(python)
[ "${NUM_PROCESSES:-1}" -le 1 ] || command=(python -m torch.distributed.run --standalone "--nproc_per_node=$NUM_PROCESSES")
exec "${command[@]}" -m grounded_sam.cli superpixels "$images" "$out" --classes "$classes" "$@"
