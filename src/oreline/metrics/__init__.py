"""Figures computed from one table of targets and outputs, one file each. NumPy only."""
