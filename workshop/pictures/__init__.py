"""See a program run: the recorder, and the pictures of what it has seen."""
