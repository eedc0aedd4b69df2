"""Makes the cases of agent programs: real programs, a real tmux, a scripted model on loopback."""
