"""From a real tmux to events: the engines, and commands to tmux."""
