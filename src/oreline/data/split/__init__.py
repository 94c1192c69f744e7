"""Which split each row goes to: what belongs together stays so, classes have their shares, or time is followed."""
