"""Which rows an update trains on, one file each."""
