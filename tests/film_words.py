"""Words that reviews in tests are made of: those that tell the label, and those that tell nothing."""

GOOD = ["great", "wonderful", "moving", "funny", "brilliant", "charming", "delightful", "superb", "warm", "clever"]
BAD = ["awful", "boring", "dull", "terrible", "clumsy", "tedious", "lifeless", "poor", "weak", "silly"]
FILLER = [
    "the", "film", "a", "movie", "story", "plot", "actor", "scene", "with", "and", "of", "in", "its", "very", "quite",
    "this", "that",
]  # fmt: skip
