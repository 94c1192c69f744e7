"""Private data in texts: kinds of it, where it stands, and what is put in its place."""
