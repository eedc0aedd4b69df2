"""Makes the pages of the reference that follow from the code.

``python -m tools.reference`` writes them all; ``tests/docs`` fails while one is out of date.
Nothing here starts tmux or a server, but `real_run`, which collects the examples of events.
"""
