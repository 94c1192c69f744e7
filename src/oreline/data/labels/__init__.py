"""Labels in doubt and labels to come: confident learning, reviews, rules, selections."""
