"""Staff set who may enter, delete messages, and close a person's websockets.

``signals.py`` tells open pages what was set or deleted here.
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
from chat.signals import close_soon


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):
    """Rooms, and who may enter them."""

    list_display = ("name", "slug", "members_only")
    list_filter = ("members_only",)
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("name",)}
    autocomplete_fields = ("members",)


def close_websockets(request: HttpRequest, names: set[str]) -> None:
    """Close the websockets of each person.

    Args:
        request: of the admin's page, which shows that it is done.
        names: of the groups of these persons.
    """
    reason = "Staff have closed your connection."
    for group in names:
        groups.close_sync(group, CloseCode.POLICY_VIOLATION, reason)
    messages.success(request, "Their websockets are closed.")


@admin.action(description="Close the websockets of their authors")
def close_authors(model: Any, request: HttpRequest, chosen: QuerySet) -> None:
    """For chosen messages."""
    close_websockets(request, {message.author or message.name for message in chosen})


@admin.action(description="Close the websockets of selected users")
def close_users(model: Any, request: HttpRequest, users: QuerySet) -> None:
    """For chosen users."""
    close_websockets(request, {f"user-{user.pk}" for user in users})


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    """Read and delete; nobody puts words into another one's mouth."""

    list_display = ("created", "room", "name", "text")
    list_filter = ("room",)
    list_select_related = ("room",)
    actions = (close_authors,)
    search_fields = ("name", "text")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


admin.site.unregister(get_user_model())


@admin.register(get_user_model())
class PersonAdmin(UserAdmin):
    """Django's own page for users, with one action more."""

    actions = (close_users,)

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        """A user with another name comes in again: open rooms show the old one."""
        super().save_model(request, obj, form, change)
        if change and "username" in form.changed_data:
            reason = "You have another name now."
            close_soon(f"user-{obj.pk}", CloseCode.SERVICE_RESTART, reason)
