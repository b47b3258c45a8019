"""Makes the small models of `tests/exporters/models`; README.md in the folder above says how."""
