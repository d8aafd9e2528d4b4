"""What the notebooks import: ``from workshop.notebook import record``."""

from workshop.pages.serving import serving
from workshop.pictures.line_by_line import Tape
from workshop.pictures.timeline import record
from workshop.pictures.wiretap import Wiretap

__all__ = ["Tape", "Wiretap", "record", "serving"]
