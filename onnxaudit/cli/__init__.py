"""The command line: the only package that prints, and that gives exit codes."""

from onnxaudit.cli.app import main

__all__ = ["main"]
