"""A chat: rooms with history, on the ORM and on the layer."""
