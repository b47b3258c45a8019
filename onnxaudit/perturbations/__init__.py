"""Families of changes to an image: how each is parametrized, applied, measured, described and drawn."""
