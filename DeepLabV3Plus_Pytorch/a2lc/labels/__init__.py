"""The label state: pseudo-label sets, the ledger of corrections, and the labels of a round derived from both."""
