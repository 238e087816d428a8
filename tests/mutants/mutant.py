"""What a mutant is: the generated extension, broken on purpose in one place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

NAME = "my_scheduler"

_PLUGIN = Path("metaflow_extensions", NAME, "plugins", NAME)

CONTROL = "single-step"
"""A case that no mutant here has anything to do with, unless it says so."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One deliberate edit, and what has to notice it."""

    id: str
    file: str
    """In the plugin folder of the extension."""
    find: str
    """Occurs exactly once in the file."""
    put: str
    kills: tuple[str, ...]
    """Cases that must fail."""
    says: str
    """Part of the message of the first of them."""
    also: tuple[str, ...] = ()
    """Cases that may turn red too: they look at the same thing from another side."""
    spares: tuple[str, ...] = (CONTROL,)
    """Cases that must pass."""
    second: tuple[str, str] | None = None
    """Another edit of the same file, for a promise that is kept twice: what to find and to put."""

    @property
    def selected(self) -> tuple[str, ...]:
        """All cases to run."""
        return tuple(dict.fromkeys((*self.kills, *self.also, *self.spares)))

    def apply(self, project: Path) -> None:
        """Edit the generated project.

        Raises:
            ValueError: the text is not there exactly once, so the table is out of date.
        """
        path = project / _PLUGIN / self.file
        text = path.read_text("utf-8")
        for find, put in ((self.find, self.put), *([self.second] if self.second else [])):
            found = text.count(find)
            if found != 1:
                raise ValueError(
                    f"Mutant '{self.id}': its text is {found} times in {self.file}, not once. "
                    f"Bring the table up to date with the template:\n{find}"
                )
            text = text.replace(find, put)
        path.write_text(text, encoding="utf-8")
