"""The HTTP service: batching, back-pressure, hot swap."""
