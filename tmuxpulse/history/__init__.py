"""What happened, kept beyond the run: a journal, an SQLite database, and questions to it."""
