# zipapp_build/archive.py writes the module into the archive.

CONTENT_HASH: str
KEYS: tuple[str, ...]
