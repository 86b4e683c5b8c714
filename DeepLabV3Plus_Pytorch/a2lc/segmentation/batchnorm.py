"""BatchNorm in training: from which pixels its statistics come, and that all processes hold the same ones."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from timm.layers import convert_sync_batchnorm
from torch import nn

from a2lc.foundation.processes import Processes
from a2lc.segmentation.settings import BatchNormMode

_KINDS = (nn.BatchNorm2d, nn.SyncBatchNorm)


def synchronise(network: nn.Module) -> None:
    """Let every BatchNorm of the network take its statistics from the images of all processes; weights stay."""
    convert_sync_batchnorm(network)  # in place, because the network itself is no BatchNorm


def set_training(network: nn.Module, mode: BatchNormMode) -> None:
    """Put the network into training mode; frozen BatchNorm goes on using and keeping the statistics it has."""
    network.train()
    if mode == "frozen":
        for layer in _layers(network):
            layer.eval()


@torch.no_grad()
def average_statistics(network: nn.Module, processes: Processes) -> None:
    """Replace the running statistics, where they are renewed, by their means over all processes.

    Running statistics are linear in those of the batches, so after every step they are what a single network gets
    from the mean of the processes' batch statistics.
    """
    renewed = [layer for layer in _layers(network) if layer.training]
    running = [buffer for layer in renewed for buffer in (layer.running_mean, layer.running_var)]
    statistics = [buffer for buffer in running if buffer is not None]
    if not statistics:
        return
    means = processes.sum(torch.cat(statistics)) / processes.count
    for buffer, mean in zip(statistics, means.split([len(buffer) for buffer in statistics]), strict=True):
        buffer.copy_(mean)


def _layers(network: nn.Module) -> Iterator[nn.BatchNorm2d | nn.SyncBatchNorm]:
    return (module for module in network.modules() if isinstance(module, _KINDS))
