"""The tools around the lessons: the command, the pictures, the notebook helpers."""
