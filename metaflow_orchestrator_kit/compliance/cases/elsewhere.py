"""Where pytest finds the cases that no module of this folder declares.

They are those of random flows and of other packages; a file has to stand for them.
"""
