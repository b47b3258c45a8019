"""What singles out a label, or a model: one kind of evidence a file."""
