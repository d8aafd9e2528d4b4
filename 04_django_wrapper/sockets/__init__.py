"""Websockets for Django. Read in this order: dispatch, runner, handling, connection,
inbox, outbox, handshake, groups, database."""
