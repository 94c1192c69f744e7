"""New rows made of old ones: words, characters, entities, masked words, translations, and what each is refused for."""
