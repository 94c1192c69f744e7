"""Which words an answer rests on, and whether that explanation can be believed."""
