"""Websockets for Django. Read in this order: dispatch, codes, connection, handling,
runner, outbox, groups, members; the rest is for reference."""
