"""`a2lc audit`: rank labels by how suspicious they are, or take the answers to the questions that follow."""

from __future__ import annotations

import logging

from tqdm.contrib.logging import logging_redirect_tqdm

from a2lc.audit.audit import open_audit
from a2lc.audit.conduct import conduct
from a2lc.audit.handover import loop_arguments, next_steps, take_answers
from a2lc.audit.settings import audit_settings
from a2lc.commands.options import AuditOptions
from a2lc.commands.request import Request
from a2lc.foundation.terminal import show
from a2lc.loop.config import load_config
from a2lc.loop.sense import refuse_beyond_machine


def audit(request: Request[AuditOptions]) -> None:
    """Rank the labels of a data set by how suspicious they are, or take the answers to the questions that follow."""
    options = request.options
    settings = ["fidelity=corrected", *request.settings]  # an audit reproduces no published number
    config = load_config(request.config_name(), settings)[0]
    refuse_beyond_machine(config)
    current = open_audit(config, audit_settings(dict(options)), options.labels, options.to, options.predictions)
    loop = loop_arguments(current, request.config_name(), settings)
    if options.answers:
        show(f"{take_answers(current, options.answers, loop)}\n")
        return
    with logging_redirect_tqdm([logging.getLogger()]):
        conduct(current, request.command, loop)
    show(next_steps(current, request.command, loop))
