"""Which parts of an input an answer rests on, and whether that explanation is faithful."""
