"""Modules that take the place of those that orchestrators of tmux bring along."""
