"""Watching a served model: the log of its predictions, and tests of whether its input has drifted."""
