"""Websockets for Django. Read in this order: dispatch, runner, handling, connection,
outbox, handshake, groups, database."""
