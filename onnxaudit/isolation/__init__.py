"""A worker process that can do no harm: limits, no network, and no files but those that it needs.

Knows nothing of models: what is to be done there, and which files that takes, is told.
"""
