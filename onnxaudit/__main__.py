"""`python -m onnxaudit`."""

import sys

from onnxaudit.cli import main

sys.exit(main())
