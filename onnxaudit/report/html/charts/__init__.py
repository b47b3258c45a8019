"""Charts as inline SVG: fixed size, text in pixels, colours by class from the style sheet."""
