"""What several test folders share: real server processes on free ports."""
