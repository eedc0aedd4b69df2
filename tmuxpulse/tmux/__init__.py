"""Bytes to facts: what tmux says, as values. Pure."""
