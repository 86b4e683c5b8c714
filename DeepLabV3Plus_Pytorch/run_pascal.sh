#!/usr/bin/env bash
# The papers' experiment on PASCAL VOC 2012: methods a2lc and alc, 3 seeds, 5 rounds of 1000 clicks, ResNet-101.
#
# Usage: bash DeepLabV3Plus_Pytorch/run_pascal.sh [key=value ...]      'a2lc run --keys' lists the keys
#   DATASET_DIR        folder that holds VOCdevkit/VOC2012                (default: data/pascal; dataset.download=true fills it)
#   PSEUDO_LABEL_DIR   masks and labels of Grounded-SAM                   (default: $DATASET_DIR/pseudo_labels)
#   OUTPUT_DIR         results/pascal/{summary.md,seed<k>.csv,miou.png}   (default: outputs)
#   BACKBONE_WEIGHTS   file with ImageNet weights of the backbone         (default: downloaded)
#   LAUNCHER           several GPUs: "torchrun --nproc-per-node 4 --no-python"
#
# The paper's ablation, each line an experiment of its own ('annotator.rule=representative': without mask-level answers):
#   run_pascal.sh experiment=pascal_neither method=a2lc annotator.rule=representative acquisition=sim propagation=none
#   run_pascal.sh experiment=pascal_lcm     method=a2lc annotator.rule=representative acquisition=sim
#   run_pascal.sh experiment=pascal_abc     method=a2lc annotator.rule=representative propagation=none
#   run_pascal.sh experiment=pascal_both    method=a2lc annotator.rule=representative
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/paper.sh"
run_paper pascal "$@"
