"""The command line: one file for each group of commands. It holds no mathematics and imports nothing heavy."""
