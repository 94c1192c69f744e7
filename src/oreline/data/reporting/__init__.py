"""What a refinery tells about its data: before and after, leaks, the data card."""
