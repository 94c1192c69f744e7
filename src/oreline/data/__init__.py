"""From raw sources to a Dataset: readers, operators, splits, the ledger."""
