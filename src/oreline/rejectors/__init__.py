"""How rows that belong to none of the classes are told, one file each. NumPy only."""
