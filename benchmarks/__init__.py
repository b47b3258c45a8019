"""Long measurements, outside the tests; each prints a table with its baseline measured in the same run."""

import os

os.environ["ONNXAUDIT_CACHE"] = "off"  # what is measured is work, not what another run kept of it
