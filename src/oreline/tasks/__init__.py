"""What is predicted, one file each: columns, encode, decode. No torch."""
