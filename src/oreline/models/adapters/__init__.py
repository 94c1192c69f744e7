"""Few trained weights beside a start model, one file each."""
