"""What `make demo` runs, in a folder of its own."""

import shutil
from pathlib import Path

import pytest

from tests.documentation.pages import ROOT, Block
from tests.documentation.workshop import Workshop


@pytest.mark.slow
def test_the_demonstration_ends_with_a_repaired_model(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    (workshop.folder / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "demo.sh", workshop.folder / "tools")
    shown = "...\nBACKDOORED ...\nexit code 1 ...\nREPAIRED ...\n== 3. What is left behind ...-repaired.onnx\n..."
    workshop.carry_out(Block(1, "console", f"$ bash tools/demo.sh\n{shown}\n"))
