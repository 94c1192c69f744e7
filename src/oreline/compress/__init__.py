"""Smaller, faster artifacts, one method a file, each behind the gate."""
