"""`profile`: step 2 of the method alone, which neurons a given trigger uses."""

from pathlib import Path

from onnxaudit.data.triggers import check_trigger
from onnxaudit.mitigation.profiling import profile as profile_layer
from onnxaudit.pipeline.admission import open_subject
from onnxaudit.pipeline.memory_plan import threads_restored
from onnxaudit.pipeline.subject import open_weights
from onnxaudit.records import Event, GivenPreprocessing, OnEvent, Profile, Trigger
from onnxaudit.surgery import find_target_layer


@threads_restored()
def profile(
    model: str | Path,
    data: str | Path,
    trigger: Trigger,
    *,
    layer: str | None = None,
    output: str | None = None,
    input_size: tuple[int, int] | None = None,
    preprocessing: GivenPreprocessing | None = None,
    seed: int = 0,
    device: str = "auto",
    memory: int | None = None,
    on_event: OnEvent | None = None,
) -> Profile:
    """Rank the target layer's neurons by activation under `trigger` and by weight.

    Args:
        model: the ONNX file.
        data: clean images, as for `scan`.
        trigger: mask and pattern of the model's own image size.
        layer: node, tensor or weight that names the layer; found in the graph where None.
        output: the classifying output, where the model has several.
        input_size: height and width `(h, w)` of a model that takes any; those of the samples where None. `(1, n)` for
            series and features.
        preprocessing: how pixels become inputs; chosen by evidence where None.
        seed: of all randomness.
        device: "auto", "cpu" or "cuda".
        memory: bytes that the process takes at most; 60 % of what is free where None, as for `scan`.
        on_event: told of progress.

    Raises:
        InputError: the model, the data or an option cannot be used.
    """

    def listen(event: Event) -> None:
        if on_event is not None:
            on_event(event)

    subject = open_subject(
        Path(model),
        data,
        output=output,
        input_size=input_size,
        preprocessing=preprocessing,
        seed=seed,
        device=device,
        memory=memory,
        on_event=listen,
    )
    check_trigger(trigger, subject.model.info.input)
    listen(Event("profile", 0, 0, "ranking neurons"))
    subject = open_weights(subject, layer)
    target = find_target_layer(subject.model, layer)
    return profile_layer(subject.runtime, subject.model, target, subject.samples, trigger)
