"""The command line: the only room that prints, and that gives exit codes."""

from onnxaudit.cli.app import main

__all__ = ["main"]
