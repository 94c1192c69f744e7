"""The prediction log, and whether live rows still look like the reference."""
