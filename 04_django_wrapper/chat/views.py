"""The chat's pages. News for an open page comes through ``handlers.py``."""

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from sockets.codes import CloseCode
from sockets.groups import groups
from sockets.routing import reverse as websocket_path

from chat.forms import GuestNameForm, RoomForm, SignUpForm
from chat.models import LONGEST_ID, PAGE, Room
from chat.names import NAME, know_guest, person_of


def rooms(request: HttpRequest) -> HttpResponse:
    """All rooms, and a form to open another one."""
    form = RoomForm(request.POST or None)
    if form.is_valid():
        return redirect(form.save())
    context = {"rooms": Room.objects.order_by("name"), "form": form}
    return render(request, "chat/rooms.html", context)


def room(request: HttpRequest, slug: str) -> HttpResponse:
    """The page of one room; else 401, 403 or 404, in words."""
    room = Room.objects.filter(slug=slug).first()
    if room is None:
        return render(request, "chat/missing.html", {"slug": slug}, status=404)
    status = room.refusal(request.user)
    if status:
        return render(request, "chat/refused.html", {"room": room}, status=status)

    is_guest = not request.user.is_authenticated
    if is_guest:
        know_guest(request.session)
    me = person_of(request.user, request.session)
    context = {
        "room": room,
        "me": me.name,
        "author": me.author,
        "chosen": request.session.get(NAME, ""),
        "is_guest": is_guest,
        "websocket_path": websocket_path("room", slug=slug),
        "older_url": reverse("older", args=[slug]),
    }
    return render(request, "chat/room.html", context)


def older(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of messages from before ``?before=<id>``, oldest first, as JSON."""
    room = get_object_or_404(Room, slug=slug)
    status = room.refusal(request.user)
    if status:
        return JsonResponse({"error": "You may not read this."}, status=status)
    before = request.GET.get("before", "")
    if not before.isdecimal() or len(before) > LONGEST_ID:
        return JsonResponse({"error": "Which? Write ?before=<id>."}, status=400)

    # One more than fits on the page: it tells whether there are more.
    newest_first = room.messages.filter(id__lt=int(before)).order_by("-id")
    found = list(newest_first[: PAGE + 1])
    shown = [message.as_json() for message in found[:PAGE]]
    shown.reverse()
    return JsonResponse({"messages": shown, "more": len(found) > PAGE})


def guest_name(request: HttpRequest) -> HttpResponse:
    """A guest chooses a name, for all rooms and all windows."""
    form = GuestNameForm(request.POST or None)
    if not form.is_valid():
        context = {"form": form, "next": _next(request)}
        return render(request, "chat/name.html", context)

    know_guest(request.session)
    request.session[NAME] = form.cleaned_data["name"]
    # Other windows of this guest have the old name. They come in again: but the session
    # must be stored first, or they find the old name once more.
    request.session.save()
    me = person_of(request.user, request.session)
    groups.close_sync(me.group, CloseCode.SERVICE_RESTART, "You have another name now.")
    return redirect(_next(request))


def sign_up(request: HttpRequest) -> HttpResponse:
    """A new user, logged in at once."""
    form = SignUpForm(request.POST or None)
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
