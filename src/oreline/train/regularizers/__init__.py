"""Regularizers, one file each: what changes the loss, or averages the weights around the loop."""
