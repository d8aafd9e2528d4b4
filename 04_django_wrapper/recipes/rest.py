"""Django REST framework and django-ninja beside websockets: both tell a group."""

from functools import partial
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.urls import path as page
from ninja import NinjaAPI, Schema
from rest_framework import serializers, viewsets
from rest_framework.permissions import AllowAny
from rest_framework.routers import DefaultRouter
from sockets.connection import Socket
from sockets.database import database
from sockets.groups import groups
from sockets.routing import path


class TeamSerializer(serializers.ModelSerializer):
    """A team: one of Django's groups of users, so that there is a table already."""

    class Meta:
        model = Group
        fields = ("id", "name")


class Teams(viewsets.ModelViewSet):
    """``/drf/teams/``: Django REST framework."""

    queryset = Group.objects.order_by("pk")
    serializer_class = TeamSerializer
    permission_classes = (AllowAny,)  # yours asks who it is

    def perform_create(self, serializer: Any) -> None:
        """The view runs in a thread, so it tells from there, and after the commit."""
        team = serializer.save()
        news = TeamSerializer(team).data
        transaction.on_commit(partial(groups.publish_json_sync, "teams", news))


api = NinjaAPI(urls_namespace="teams")


class Team(Schema):
    """django-ninja's kind of serializer."""

    id: int | None = None
    name: str


@api.post("teams/", response={201: Team})
async def add_team(request: Any, team: Team) -> tuple[int, Any]:
    """``/ninja/teams/``: django-ninja; an async view runs in the event loop."""
    made = await Group.objects.acreate(name=team.name)
    await groups.publish_json("teams", Team.from_orm(made).dict())
    return 201, made


async def teams(socket: Socket) -> None:
    """All teams now, as the views show them; then each new one."""
    await socket.accept()
    async with groups.join("teams", socket):
        async with database():
            present = [team async for team in Teams.queryset.all()]
        for team in present:
            await socket.send_json(TeamSerializer(team).data)
        async for _ in socket:
            pass


router = DefaultRouter()
router.register("drf/teams", Teams)
pages = [*router.urls, page("ninja/", api.urls)]
websockets = [path("ws/teams/", teams)]
