"""What each layer costs, measured side by side: ``python3 -m workshop bench``."""
