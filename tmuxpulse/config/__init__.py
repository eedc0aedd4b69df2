"""Settings and places: frozen structs with defaults, and the directories they live in."""
