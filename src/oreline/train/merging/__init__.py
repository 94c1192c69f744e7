"""Ways to join the weights of several models into one; one file each."""
