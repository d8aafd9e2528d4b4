"""What ``manage.py check`` says about the layer and its site."""
