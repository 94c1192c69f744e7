"""What stands in texts: writing, markup, words, languages; shared by the operators that clean."""
