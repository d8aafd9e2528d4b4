"""Websockets for Django. Read in this order: dispatch, runner, connection, inbox,
outbox, handling; then groups, members. The rest is for reference."""
