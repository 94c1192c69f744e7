"""Hugging Face models around which the loop runs: loading, batches, attention, heads."""
