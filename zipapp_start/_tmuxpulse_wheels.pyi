# zipapp_build/archive.py writes the module into the archive.

WHEELS: dict[str, tuple[str, ...]]
