"""Serving: HTTP in front of one model, batched, bounded, logged, swapped without losing a request."""
