# Sourced by run_pascal.sh, run_cityscapes.sh and run_folder.sh: makes settings of the environment, and generates.

A2LC_TOOLS="grounded_sam, transformers"
source "$(dirname "${BASH_SOURCE[0]}")/../setup.sh"

# generate_masks CONFIG [key=value ...]: later settings win.
generate_masks() {
    local settings=("$@") command=(python)
    [ -z "${GROUNDING_DINO_WEIGHTS:-}" ] || settings=("$1" "detector.model=$GROUNDING_DINO_WEIGHTS" "${settings[@]:1}")
    [ -z "${SAM_WEIGHTS:-}" ] || settings=("$1" "segmenter.model=$SAM_WEIGHTS" "${settings[@]:1}")
    [ "${NUM_GPUS:-1}" -le 1 ] || command=(python -m torch.distributed.run --standalone "--nproc_per_node=$NUM_GPUS")
    exec "${command[@]}" -m grounded_sam.cli generate "${settings[@]}"
}

# paper_masks NAME [key=value ...]: the masks of the papers, where DeepLabV3Plus_Pytorch/run_NAME.sh looks for them.
paper_masks() {
    local name="$1" data
    shift
    data="${DATASET_DIR:-$A2LC_ROOT/data/$name}"
    generate_masks "$name" "dataset.root=$data" "output=${OUTPUT:-$data/pseudo_labels}" "$@"
}
