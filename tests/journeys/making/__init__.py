"""What vendors hand over, made in their own environments."""
