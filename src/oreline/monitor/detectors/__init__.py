"""Two-sample tests for drift, one file each."""
