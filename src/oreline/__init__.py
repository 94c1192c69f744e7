"""oreline."""
