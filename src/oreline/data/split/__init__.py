"""Which split each row goes to: what belongs together stays together, classes have their shares, or time is followed."""
