"""Figures of a process of its own: what this one held before would hide what is measured."""

from __future__ import annotations

import subprocess
import sys


def figures(script: str) -> list[int]:
    """Run a script and return the whole numbers that it prints."""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return [int(word) for word in done.stdout.split()]
