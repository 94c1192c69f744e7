"""What the quality operators measure of texts, and the rules that judge by it. English and Chinese alike."""
