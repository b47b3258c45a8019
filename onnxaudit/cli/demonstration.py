"""`onnxaudit demo`: a scan of a reference model that has a backdoor, with what the installation brings."""

import shutil
from importlib import metadata
from pathlib import Path

import onnxaudit
from onnxaudit.cli.exits import CLEAN, ERROR, Settings
from onnxaudit.cli.options import Attesting, Caching, PolicyRequest, RunOutputs
from onnxaudit.cli.plan import Plan
from onnxaudit.cli.project import Job
from onnxaudit.errors import OutputError, UsageError

MODEL, IMAGES = "signs-lenet-weights.onnx", "signs.npz"


def prepare_demo(folder: Path) -> Plan:
    """A folder with a model and clean images, and the scan to be made of them.

    Raises:
        UsageError: the installation brings neither.
        OutputError: the folder cannot be written.
    """
    model, data = folder / "vendor" / MODEL, folder / "clean-images" / IMAGES
    for source, target in ((_find(MODEL), model), (_find(f"samples/{IMAGES}"), data)):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        except OSError as error:
            raise OutputError(f"{target} cannot be written: {error.strerror or error}") from error
    return Plan(
        jobs=(Job(model=model, options={"data": str(data), "embed_samples": True}),),
        outputs=RunOutputs(html=str(folder / "report.html"), json=str(folder / "scan.json")),
        triggers=folder / "triggers",
        request=PolicyRequest(None, {}),
        baseline=None,
    )


def _find(name: str) -> Path:
    """A file of the checkout's models, or of what the wheel put beside the package."""
    beside = Path(onnxaudit.__file__).parents[1] / "models" / name
    if beside.is_file():
        return beside
    try:
        installed = metadata.files("onnxaudit") or []
    except metadata.PackageNotFoundError:
        installed = []
    for file in installed:
        if file.parts[-3:-1] == ("share", "onnxaudit") and file.name == Path(name).name:
            return Path(str(file.locate()))
    raise UsageError(
        f"this installation brings no {Path(name).name}; it lies in models/ of the source, a tutorial in docs/"
    )


def run_demo(plan: Plan, settings: Settings) -> int:
    """Scan, and say what to try next; any verdict is a success of the demonstration."""
    from onnxaudit.cli.scans import run_scan

    code = run_scan(plan, Attesting(), Caching(no_cache=True), settings)
    if code == ERROR:
        return code
    job, report = plan.jobs[0], plan.outputs.html
    fixed = job.model.parents[1] / "fixed.onnx"
    for line in (
        "",
        f"That was `onnxaudit scan {job.model} --data {job.options['data']} --embed-samples`; its exit code is {code}.",
        f"Look at {report} in a browser, and at the trigger in {plan.triggers}. Then remove the backdoor:",
        f"  onnxaudit repair {job.model} --data {job.options['data']} --scan {plan.outputs.json} -o {fixed}",
    ):
        settings.stdout.write(f"{line}\n")
    return CLEAN
