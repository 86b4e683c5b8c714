"""The rounds of a run: start, then in every round train, score, annotate, propagate, evaluate; each is done once.

A stage is finished when its output was renamed into place (files) or committed (ledger).
"""
