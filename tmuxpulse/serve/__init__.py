"""The server: front door, sessions, the one nursery."""
