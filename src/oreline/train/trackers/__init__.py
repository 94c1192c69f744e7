"""Writers of training events, one file each."""
