"""Hooks of agent programs: what they mean, and how they get into the programs' settings."""
