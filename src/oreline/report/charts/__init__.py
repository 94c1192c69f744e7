"""Charts as inline SVG: one file for each kind. Colours come from the page's CSS, so dark mode and print work."""
