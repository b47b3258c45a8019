"""From the bytes of a stranger's file to a `Model`, and back to a file."""
