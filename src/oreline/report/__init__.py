"""Reports: one class for every verb, as JSON, on the terminal and as one HTML page."""
