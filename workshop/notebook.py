"""The import of a notebook's first cell: ``from workshop.notebook import record``.

The import looks at the kernel first. A Python that is too old, or that lacks the
packages, gets one sentence in the cell that says what to do.
"""

from workshop.kernel import require_kernel

require_kernel()

# Only now is it certain that these can be imported.
from workshop.pages.serving import serving  # noqa: E402
from workshop.pictures.line_by_line import Tape  # noqa: E402
from workshop.pictures.timeline import record  # noqa: E402
from workshop.pictures.wiretap import Wiretap  # noqa: E402
from workshop.reading import show  # noqa: E402

__all__ = ["Tape", "Wiretap", "record", "serving", "show"]
