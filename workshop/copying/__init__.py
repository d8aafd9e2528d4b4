"""A copy of the layer in somebody's project: made, compared, brought up to date.

An update looks at three states of each file: *base*, as it was copied; *yours*, as it
is in the project now; *new*, as it is in this repository. A file that one side
has changed is taken from that side. A file that both have changed is merged, line by
line.

The base lies in the copy itself, in an archive beside the note: so neither side needs
git, and a repository that came as a zip file will do.
"""
