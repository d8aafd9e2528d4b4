"""The pages of operations: ``/metrics``, and ``/wiretap/`` where WIRETAP=1."""

from django.conf import settings
from django.urls import path

from operations import metrics

urlpatterns = [
    path("metrics", metrics.page),  # without a slash, as Prometheus asks for it
]
if settings.WIRETAP:
    from operations import wiretap

    urlpatterns.append(path(wiretap.PATH, wiretap.page))
