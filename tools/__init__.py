"""Developer tools: they make the reference models in `models/`, and zoos of many more.

Attacks live here and never in the package. Nothing in `onnxaudit` imports this folder.
"""
