"""Networks without pretraining, one file each: start models that know nothing but the training rows."""
