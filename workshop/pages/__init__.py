"""The pages of the stages, and a server in a notebook."""
