"""Steps of a refinery, one file each."""
