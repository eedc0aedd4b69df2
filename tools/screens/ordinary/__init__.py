"""Makes the cases of ordinary programs: run for real, in a real tmux, in a small world."""
