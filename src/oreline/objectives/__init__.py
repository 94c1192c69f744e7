"""What pretraining learns, one file each: how rows are corrupted, and the loss."""
