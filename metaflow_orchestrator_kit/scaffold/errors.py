"""What stops a scaffold before anything is written."""


class ScaffoldError(Exception):
    """The project cannot be written; the text names the place and the way out."""
