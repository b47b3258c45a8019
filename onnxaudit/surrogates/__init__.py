"""Small networks that learn the clean images alone: what is near in them is near by nature."""
