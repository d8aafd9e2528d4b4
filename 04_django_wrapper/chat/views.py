"""The chat's pages. What happens while one is open comes through ``handlers.py``."""

from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from sockets.routing import reverse as websocket_path

from chat.forms import GuestNameForm, RoomForm
from chat.models import PAGE, Room
from chat.names import NAME, know_guest, person_of


def rooms(request: HttpRequest) -> HttpResponse:
    """All rooms, and a form to open another."""
    form = RoomForm(request.POST or None)
    if form.is_valid():
        return redirect(form.save())
    context = {"rooms": Room.objects.order_by("name"), "form": form}
    return render(request, "chat/rooms.html", context)


def room(request: HttpRequest, slug: str) -> HttpResponse:
    """The page of one room; or 401 or 403, in words."""
    room = get_object_or_404(Room, slug=slug)
    if status := room.refusal(request.user):
        return render(request, "chat/refused.html", {"room": room}, status=status)
    is_guest = not request.user.is_authenticated
    if is_guest:
        know_guest(request.session)
    context = {
        "room": room,
        "me": person_of(request.user, request.session).name,
        "chosen": request.session.get(NAME, ""),
        "is_guest": is_guest,
        "websocket_path": websocket_path("room", slug=slug),
        "older_url": reverse("older", args=[slug]),
    }
    return render(request, "chat/room.html", context)


def older(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of messages from before ``?before=<id>``, oldest first, as JSON."""
    room = get_object_or_404(Room, slug=slug)
    before = request.GET.get("before", "")
    if status := room.refusal(request.user):
        return JsonResponse({"error": "You may not read this."}, status=status)
    if not before.isdecimal() or len(before) > 18:
        return JsonResponse({"error": "Which? Write ?before=<id>."}, status=400)
    found = room.messages.filter(id__lt=int(before)).order_by("-id")[: PAGE + 1]
    messages = [message.as_json() for message in found[:PAGE]][::-1]
    return JsonResponse({"messages": messages, "more": len(found) > PAGE})


@require_POST
def guest_name(request: HttpRequest) -> HttpResponse:
    """A guest chooses a name, for all rooms."""
    form = GuestNameForm(request.POST)
    if form.is_valid():
        request.session[NAME] = form.cleaned_data["name"]
        know_guest(request.session)
        return redirect(_next(request))
    context = {"form": form, "next": _next(request)}
    return render(request, "chat/name.html", context)


def sign_up(request: HttpRequest) -> HttpResponse:
    """A new user, logged in at once."""
    form = UserCreationForm(request.POST or None)
    if form.is_valid():
        login(request, form.save())
        return redirect(_next(request))
    context = {"form": form, "next": _next(request)}
    return render(request, "chat/signup.html", context)


def _next(request: HttpRequest) -> str:
    """The page that one came from; never one of another site."""
    page = request.POST.get("next") or request.GET.get("next") or ""
    host = {request.get_host()}
    if url_has_allowed_host_and_scheme(page, host, request.is_secure()):
        return str(page)
    return str(reverse("rooms"))
