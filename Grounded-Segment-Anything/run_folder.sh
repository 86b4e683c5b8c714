#!/usr/bin/env bash
# Masks for your own images: a folder of photos and a class list in, a pseudo-label set out.
#
# Usage: bash Grounded-Segment-Anything/run_folder.sh IMAGES CLASSES OUT [key=value ...]
#   IMAGES                   folder of photos, sub-folders are searched
#   CLASSES                  class list, for example: classes: [road, car, {name: person, prompts: [person, pedestrian]}]
#   OUT                      new folder for the pseudo-label set, outside IMAGES
#   GROUNDING_DINO_WEIGHTS   groundingdino_swint_ogc.pth, folder, hub id (default: downloaded)
#   SAM_WEIGHTS              sam_vit_h_4b8939.pth, folder, hub id        (default: downloaded)
#   NUM_GPUS                 processes, each with a GPU of its own       (default: 1)
#
# Stopped at any moment, the same command continues. 'grounded-sam generate --keys' lists the keys.
set -euo pipefail
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"; }
case "${1:-}" in -h | --help) usage; exit ;; esac
if [ $# -lt 3 ]; then
    usage >&2
    exit 2
fi
images="$1" classes="$2" out="$3"
shift 3
case "$classes" in /*) ;; *) classes="$PWD/$classes" ;; esac # a relative one would be looked for in IMAGES

source "$(dirname "${BASH_SOURCE[0]}")/masks.sh"
generate_masks folder "dataset.root=$images" dataset.images=. "dataset.classes=$classes" "output=$out" "$@"
