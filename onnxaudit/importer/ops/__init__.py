"""Operators by family; importing this package fills the registry."""
