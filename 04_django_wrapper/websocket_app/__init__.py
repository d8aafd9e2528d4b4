"""The article's project: Django for http, a coroutine of our own for websockets."""
