"""From evidence to a score and a verdict."""
