"""Charts as inline SVG: fixed size, text in pixels, colors by class from the style sheet."""
