"""Recipes: each a page, and the code that it shows."""
