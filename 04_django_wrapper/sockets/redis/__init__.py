"""Groups over Redis: what carries a group's events to other processes."""
