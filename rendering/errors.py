"""Facts that keep a verb of rendering from happening; the words are for the creator."""


class RenderingError(Exception):
    """Nothing was changed; str() says why."""


class BadSettings(RenderingError):
    """Settings that cannot be rendered; `problems` maps a field to what to do about it."""

    def __init__(self, problems: dict[str, str]):
        super().__init__(" ".join(problems.values()))
        self.problems = problems


class QuotaExceeded(RenderingError):
    """A limit of the account is reached."""


class NotCovered(RenderingError):
    """Credit or cap do not cover the next task."""


class BadScene(RenderingError):
    """The upload holds nothing that can be rendered."""


class UnfitUpload(RenderingError):
    """The file cannot be taken; the message is for its creator."""


class NothingToDo(RenderingError):
    """No task or frame that the verb could act on."""
