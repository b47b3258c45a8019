"""From records to what people and machines read; pure functions, no torch, no onnx."""

from typing import Any

from onnxaudit.records import draw_by


def _draw(record: Any) -> str:
    from onnxaudit.report.notebook import draw_html

    return draw_html(record)


def _plot(record: Any, image: Any) -> str:
    from onnxaudit.report.trigger_plot import plot_trigger

    return plot_trigger(record, image)


draw_by(_draw, _plot)
