"""From answers to estimates: the table, the bootstrap, paired comparison, the gate."""
