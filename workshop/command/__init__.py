"""The command ``python3 -m workshop``: set-up, lab, serve, test, doctor."""
