"""What a mutant is: the generated extension, broken on purpose in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NAME = "my_scheduler"

CONTROLS = ("single-step", "failing-stops")
"""The first that fits runs along where nothing else could show that not everything is broken."""

INSTALLED = {
    "pypi-step-has-its-packages": "needs micromamba, which builds its interpreter",
    "uv-step-has-its-packages": "needs uv, and an extension that is installed: Metaflow tells uv "
    "the distribution's name, and one that is found through PYTHONPATH has none that uv takes",
}
"""Cases that no mutant is tried on, and why; `test_undeclared` holds their flows to a refusal."""

_PLUGIN = Path("metaflow_extensions", NAME, "plugins", NAME)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One deliberate edit, and what has to notice it."""

    id: str
    file: str
    """In the plugin folder of the extension."""
    find: str
    """Occurs exactly once in the file."""
    put: str
    kills: Mapping[str, str]
    """The cases that must fail, each with a part of its message."""
    also: tuple[str, ...] = ()
    """Cases that may turn red too: they look at the same thing from another side."""
    second: tuple[str, str] | None = None
    """Another edit of the same file, for a promise that is kept twice: what to find and to put."""
    timeout: float | None = None
    """Seconds for each scenario, where the mutant is known to let one hang."""

    @property
    def path(self) -> Path:
        """The file, in the generated project."""
        return _PLUGIN / self.file

    def apply(self, file: Path) -> None:
        """Edit the file.

        Raises:
            ValueError: the text is not there exactly once, so the table is out of date.
        """
        text = file.read_text("utf-8")
        for find, put in ((self.find, self.put), *([self.second] if self.second else [])):
            found = text.count(find)
            if found != 1:
                raise ValueError(
                    f"Mutant '{self.id}': its text is {found} times in {self.file}, not once. "
                    f"Bring the table up to date with the template:\n{find}"
                )
            text = text.replace(find, put)
        file.write_text(text, encoding="utf-8")
