"""`a2lc compare`: two results folders side by side."""

from __future__ import annotations

from pathlib import Path

from a2lc.commands.options import Options
from a2lc.commands.request import Request
from a2lc.foundation.errors import InputError
from a2lc.foundation.terminal import show
from a2lc.reporting import contrast


def compare(request: Request[Options]) -> None:
    """Print how two results folders differ."""
    if len(request.settings) != 1:
        raise InputError("compare takes two results folders: a2lc compare outputs/results/demo other/results/demo")
    show(contrast(Path(request.config_name()), Path(request.settings[0])))
