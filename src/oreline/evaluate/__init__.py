"""How good is a model, how sure is that, and may it replace another: evaluate, compare, gate."""
