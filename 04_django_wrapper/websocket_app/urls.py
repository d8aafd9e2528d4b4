"""Which view answers which http path. Websockets do not come through here."""

from django.contrib import admin
from django.urls import path

from websocket_app import views

urlpatterns = [
    path("", views.console),
    path("admin/", admin.site.urls),
]
