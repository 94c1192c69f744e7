"""One way of testing for drift a file."""
