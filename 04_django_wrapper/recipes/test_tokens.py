"""The test of tokens.py: copy it, too."""

import asyncio
import warnings
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.cache import CacheKeyWarning
from django.test import TestCase
from mysite.asgi import application
from rest_framework.authtoken.models import Token
from rest_framework_simplejwt.tokens import AccessToken
from sockets.testing import SocketClient, SocketRefused

from . import tokens


def jwt(user: Any, seconds: int = 300) -> str:
    token = AccessToken.for_user(user)
    token.set_exp(lifetime=timedelta(seconds=seconds))
    return str(token)


class TokensTest(TestCase):
    def setUp(self) -> None:
        self.anna = User.objects.create(username="anna")

    async def ticket(self) -> str:
        """The address with a ticket for Anna."""
        headers = {"authorization": f"Bearer {jwt(self.anna)}"}
        answer = await self.async_client.post("/ticket/", headers=headers)
        return f"/ws/inbox/?ticket={answer.json()['ticket']}"

    async def user(self, path: str = "/ws/inbox/", **options: Any) -> str:
        """The user whom the handler tells."""
        async with SocketClient(application, path, **options) as client:
            self.chosen = client.subprotocol
            name: str = (await client.receive_json())["user"]
            return name

    async def refusal(self, path: str = "/ws/inbox/", **options: Any) -> int:
        """The status of a refused handshake."""
        with self.assertRaises(SocketRefused) as refused:
            await self.user(path, **options)
        status: int = refused.exception.status
        return status

    async def test_a_ticket_opens_one_websocket(self) -> None:
        path = await self.ticket()
        self.assertEqual(await self.user(path), "anna")
        self.assertEqual(await self.refusal(path), 401)

    async def test_of_two_with_the_same_ticket_at_once_one_is_let_in(self) -> None:
        path = await self.ticket()
        both = await asyncio.gather(
            self.user(path), self.user(path), return_exceptions=True
        )
        self.assertEqual(sorted(isinstance(one, str) for one in both), [False, True])

    async def test_the_view_gives_no_ticket_to_a_stranger(self) -> None:
        self.assertEqual((await self.async_client.post("/ticket/")).status_code, 401)

    async def test_what_is_no_ticket_is_refused(self) -> None:
        with warnings.catch_warnings():
            # Some caches fail on such a key, and Django warns of it for the others.
            warnings.simplefilter("error", CacheKeyWarning)
            for ticket in ("", "x", "%00" * 43, "a" * 43, "a" * 500):
                path = f"/ws/inbox/?ticket={ticket}"
                self.assertEqual(await self.refusal(path), 401, ticket)

    async def test_the_ticket_of_an_inactive_account_is_refused(self) -> None:
        path = await self.ticket()
        await User.objects.aupdate(is_active=False)
        self.assertEqual(await self.refusal(path), 401)

    async def test_a_phone_shows_either_kind_of_token_in_a_header(self) -> None:
        stored = await sync_to_async(Token.objects.create)(user=self.anna)
        for authorization in (f"Token {stored.key}", f"Bearer {jwt(self.anna)}"):
            headers = {"authorization": authorization, "origin": None}
            self.assertEqual(await self.user(headers=headers), "anna")

    async def test_an_expired_or_forged_token_is_refused(self) -> None:
        for token in (jwt(self.anna, -1), jwt(self.anna)[:-5] + "xxxxx", ""):
            headers = {"authorization": f"Bearer {token}"}
            self.assertEqual(await self.refusal(headers=headers), 401, token)

    async def test_the_end_of_a_jwt_is_the_end_of_its_websocket(self) -> None:
        token = jwt(self.anna)
        end = AccessToken(token)["exp"]
        headers = {"authorization": f"Bearer {token}"}
        answer = await self.async_client.post("/ticket/", headers=headers)
        by_ticket = f"/ws/inbox/?ticket={answer.json()['ticket']}"
        # The layer's own tests see what the function does at that time.
        with patch.object(tokens, "expire_at") as expire_at:
            await self.user(headers=headers)
            await self.user(by_ticket)
        ends = [call.args[1] for call in expire_at.call_args_list]
        self.assertEqual(ends, [end, end])

    async def test_a_subprotocol_brings_the_token_and_is_not_sent_back(self) -> None:
        offered = ["app.v1", f"bearer.{jwt(self.anna)}"]
        self.assertEqual(await self.user(subprotocols=offered), "anna")
        self.assertEqual(self.chosen, "app.v1")

    async def test_a_cookie_brings_the_token_from_pages_of_this_site_only(self) -> None:
        cookie = f"{tokens.TOKEN_COOKIE}={jwt(self.anna)}"
        self.assertEqual(await self.user(headers={"cookie": cookie}), "anna")
        elsewhere = {"cookie": cookie, "origin": "https://elsewhere.example"}
        self.assertEqual(await self.refusal(headers=elsewhere), 403)

    async def test_the_first_message_brings_the_token(self) -> None:
        async with SocketClient(application, "/ws/inbox/") as client:
            await client.send_json({"token": jwt(self.anna)})
            self.assertEqual(await client.receive_json(), {"user": "anna"})

    async def test_a_first_message_without_a_valid_token_ends_it(self) -> None:
        wrong: list[Any] = [{}, [], {"token": "nothing"}, {"token": "a b"}]
        for first in wrong:
            async with SocketClient(application, "/ws/inbox/") as client:
                await client.send_json(first)
                self.assertEqual((await client.closed())[0], 4401, first)

    async def test_a_first_message_that_does_not_come_ends_it(self) -> None:
        with patch.object(tokens, "FIRST_MESSAGE_SECONDS", 0.01):
            async with SocketClient(application, "/ws/inbox/") as client:
                self.assertEqual((await client.closed())[0], 4401)
