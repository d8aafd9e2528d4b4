"""What staff can do: set who may enter, delete messages, close a person's websockets.

What open pages are told of it is in ``signals.py``.
"""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from sockets.codes import CloseCode
from sockets.groups import groups

from chat.models import Message, Room


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "members_only")
    list_filter = ("members_only",)
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("name",)}
    autocomplete_fields = ("members",)


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    """Read and delete; nobody puts words into another one's mouth."""

    list_display = ("created", "room", "name", "text")
    list_filter = ("room",)
    list_select_related = ("room",)
    search_fields = ("name", "text")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.action(description="Close the websockets of selected users")
def close_websockets(model: Any, request: HttpRequest, users: QuerySet) -> None:
    for user in users:
        group, code = f"user-{user.pk}", CloseCode.POLICY_VIOLATION
        groups.close_sync(group, code, "Staff have closed your connection.")
    messages.success(request, "Their websockets are closed.")


admin.site.unregister(get_user_model())


@admin.register(get_user_model())
class PersonAdmin(UserAdmin):
    actions = (close_websockets,)
