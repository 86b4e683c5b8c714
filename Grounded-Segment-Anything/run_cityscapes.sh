#!/usr/bin/env bash
# The papers' masks on Cityscapes: GroundingDINO and SAM on the 2,975 training images.
#
# Usage: bash Grounded-Segment-Anything/run_cityscapes.sh [key=value ...]  'grounded-sam generate --keys' lists the keys
#   DATASET_DIR              folder that holds leftImg8bit and gtFine    (default: data/cityscapes; needs your login there)
#   OUTPUT                   pseudo-label set                            (default: $DATASET_DIR/pseudo_labels)
#   GROUNDING_DINO_WEIGHTS   groundingdino_swint_ogc.pth, folder, hub id (default: downloaded)
#   SAM_WEIGHTS              sam_vit_h_4b8939.pth, folder, hub id        (default: downloaded)
#   NUM_GPUS                 processes, each with a GPU of its own       (default: 1)
#
# Stopped at any moment, the same command continues. Then: bash DeepLabV3Plus_Pytorch/run_cityscapes.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/masks.sh"
paper_masks cityscapes "$@"
