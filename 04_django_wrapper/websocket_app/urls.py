"""Which view answers which http path. Websockets do not come through here."""

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import include, path

from websocket_app import views

urlpatterns = [
    path("", views.console, name="console"),
    path("", include("chat.urls")),
    path("admin/", admin.site.urls),
    path("", include("operations.urls")),
]
if settings.DEBUG:
    urlpatterns += static("static/", view=views.static_file)
