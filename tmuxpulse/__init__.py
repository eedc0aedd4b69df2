"""tmuxpulse: every pane of every tmux session, live."""

__version__ = "0.1.0"
