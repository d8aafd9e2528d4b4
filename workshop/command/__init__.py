"""What ``python3 -m workshop`` does: set-up, lab, serve, test, bench, doctor."""
