"""Which view answers which http path. Websockets do not come through here."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from websocket_app import metrics, views

urlpatterns = [
    path("", views.console),
    path("", include("chat.urls")),
    path("admin/", admin.site.urls),
    path("metrics", metrics.page),  # without a slash, as Prometheus asks for it
]
if settings.WIRETAP:
    from websocket_app import wiretap

    urlpatterns.append(path(wiretap.PATH, wiretap.page))
