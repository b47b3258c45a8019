"""What is being done, for a report of work that ended in the middle of it."""

from onnxaudit.records import Event, OnEvent


class Progress:
    """Passes events on and remembers the last message.

    Attributes:
        doing: what is being done, as in "the time was up while ...".
    """

    def __init__(self, on_event: OnEvent, doing: str) -> None:
        """Nothing was told yet; `doing` is what holds until then."""
        self._on_event, self.doing = on_event, doing

    def __call__(self, event: Event) -> None:
        """Pass an event on."""
        self.doing = event.message or self.doing
        self._on_event(event)
