"""How good labels are and what they cost: confusion matrices, metrics, bits and seconds."""
