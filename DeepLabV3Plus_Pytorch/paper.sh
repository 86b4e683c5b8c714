# Sourced by run_pascal.sh and run_cityscapes.sh: makes settings of the paths in the environment, and runs.

source "$(dirname "${BASH_SOURCE[0]}")/../setup.sh"

# run_paper NAME [key=value ...]: the experiment of the papers on a data set; later settings win.
run_paper() {
    local name="$1" variable given="" settings
    shift
    local data="${DATASET_DIR:-$A2LC_ROOT/data/$name}"
    settings=(
        "method=a2lc,alc"
        "dataset.root=$data"
        "pseudo_labels=${PSEUDO_LABEL_DIR:-$data/pseudo_labels}"
        "output=${OUTPUT_DIR:-$A2LC_ROOT/outputs}"
    )
    [ -z "${BACKBONE_WEIGHTS:-}" ] || settings+=("network.backbone_weights=$BACKBONE_WEIGHTS")
    for variable in DATASET_DIR PSEUDO_LABEL_DIR OUTPUT_DIR BACKBONE_WEIGHTS; do
        [ -z "${!variable:-}" ] || given+="$variable=${!variable} "
    done
    [ -z "${LAUNCHER:-}" ] || given+="LAUNCHER='$LAUNCHER' "
    export A2LC_COMMAND="${given}bash DeepLabV3Plus_Pytorch/run_$name.sh${*:+ $*}"
    # the launcher and its options are several words
    # shellcheck disable=SC2086
    exec ${LAUNCHER:-} a2lc run "$name" "${settings[@]}" "$@"
}
