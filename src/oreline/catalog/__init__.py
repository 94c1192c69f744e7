"""Models and data sets that come inside Python packages, one file each."""
