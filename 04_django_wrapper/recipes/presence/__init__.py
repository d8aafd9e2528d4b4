"""Who is in which room, in the database."""
