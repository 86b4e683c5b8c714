#!/usr/bin/env bash
# The papers' masks on PASCAL VOC 2012: GroundingDINO and SAM on the 1,464 training images.
#
# Usage: bash Grounded-Segment-Anything/run_pascal.sh [key=value ...]  'grounded-sam generate --keys' lists the keys
#   DATASET_DIR              folder that holds VOCdevkit/VOC2012         (default: data/pascal; dataset.download=true fills it)
#   OUTPUT                   pseudo-label set                            (default: $DATASET_DIR/pseudo_labels)
#   GROUNDING_DINO_WEIGHTS   groundingdino_swint_ogc.pth, folder, hub id (default: downloaded)
#   SAM_WEIGHTS              sam_vit_h_4b8939.pth, folder, hub id        (default: downloaded)
#   NUM_GPUS                 processes, each with a GPU of its own       (default: 1)
#
# Stopped at any moment, the same command continues. Then: bash DeepLabV3Plus_Pytorch/run_pascal.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/masks.sh"
paper_masks pascal "$@"
