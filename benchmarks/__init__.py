"""The cost of each layer, measured side by side: ``python3 -m workshop bench``."""
