"""Texts that say the same: shingles, MinHash, clusters, overlap with other data."""
