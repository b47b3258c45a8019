"""What tests and benchmarks both stand on: toys of models, their samples and reports, changed files, killed runs.

A benchmark repeats at length what a test tries once, so both take these from here and neither from the other.
"""
