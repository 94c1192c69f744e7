"""How a model is fine-tuned, one file each."""
