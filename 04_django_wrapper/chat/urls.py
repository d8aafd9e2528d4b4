"""The chat's pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from chat import views
from chat.policy import strict

login = LoginView.as_view(template_name="chat/login.html")

urlpatterns = [
    path("rooms/", strict(views.rooms), name="rooms"),
    path("rooms/<room:slug>/", strict(views.room), name="room"),
    path("rooms/<room:slug>/messages/", views.older, name="older"),
    path("accounts/login/", strict(login), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/signup/", strict(views.sign_up), name="signup"),
    path("accounts/name/", strict(views.guest_name), name="guest_name"),
]
