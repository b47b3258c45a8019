"""No telemetry: reports that libraries send to their makers are off before any of them is imported.

onnxruntime keeps a device's id and a data base of events under the user's cache folder from its import on, and records
the names of models and nodes. It reads this variable when it is imported; processes that we start inherit it.
"""

import os

SWITCHES = ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK")


def switch_off() -> None:
    """Set the variables by which libraries are told to report nothing, for this process and those that it starts."""
    for name in SWITCHES:
        os.environ[name] = "1"
