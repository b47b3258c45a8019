"""The commands: read options, call one function, give the exit code; `cli/app.py` lists them.

Each imports what it runs when it runs, so that `--help` costs neither torch nor onnxruntime.
"""
