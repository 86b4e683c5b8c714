#!/usr/bin/env bash
# The whole loop on toyscapes, a small world drawn by the program: no download, no GPU, a few minutes.
# Usage: bash DeepLabV3Plus_Pytorch/run_demo.sh [key=value ...]      results: $OUTPUT_DIR/results/demo (default: outputs/)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../setup.sh"

export A2LC_COMMAND="bash DeepLabV3Plus_Pytorch/run_demo.sh${*:+ $*}"
OUTPUT_DIR="${OUTPUT_DIR:-$A2LC_ROOT/outputs}"
exec a2lc run demo "output=$OUTPUT_DIR" "dataset.root=$OUTPUT_DIR/data/toyscapes" "$@"
