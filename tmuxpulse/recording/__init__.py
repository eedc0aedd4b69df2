"""Recordings: written while something happens, replayed as if it happened, exported."""
