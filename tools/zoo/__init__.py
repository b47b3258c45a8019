"""Many small clean and backdoored models for measuring and calibrating detectors: see `tools.make_zoo`."""
