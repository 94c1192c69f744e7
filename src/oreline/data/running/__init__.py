"""How a chain of operators runs: steps, stages on disk, what is kept, who works on it."""
