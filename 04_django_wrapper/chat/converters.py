"""``<room:slug>`` in the paths of pages and of websockets."""

from django.urls import register_converter
from django.urls.converters import StringConverter


class RoomConverter(StringConverter):
    """A room's slug: letters of any alphabet, digits, hyphens and underscores."""

    regex = r"[-\w]{1,80}"


register_converter(RoomConverter, "room")
