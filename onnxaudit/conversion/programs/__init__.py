"""Programs that run in the environment of the framework, which need not have this package.

`main.py` is started by its path and loads one of the others by theirs; none of them imports anything of ours.
"""
