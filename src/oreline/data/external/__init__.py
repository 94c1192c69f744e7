"""Numbers of all rows without the memory for them: kept there up to a bound, beyond it in temporary files."""
