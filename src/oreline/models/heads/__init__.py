"""Heads, one file each: a module and its loss."""
