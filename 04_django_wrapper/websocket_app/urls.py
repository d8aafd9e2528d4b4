"""Which view answers which http path. Websockets do not come through here."""

from django.contrib import admin
from django.urls import include, path

from websocket_app import views

urlpatterns = [
    path("", views.console),
    path("", include("chat.urls")),
    path("admin/", admin.site.urls),
]
