"""How dist/tmuxpulse.pyz is made; build_zipapp.py beside this folder is the command.

``targets``  which Pythons on which platforms
``lock``     the hash-pinned lock, and which line of it is for whom
``wheels``   from the lock to checked wheels on disk; the only module that needs pip
``licences`` what everything that is carried may be used under, as one text
``sbom``     the same as a bill of materials
``archive``  from wheels and sources to bytes, the same every time
"""

from __future__ import annotations


class BuildError(Exception):
    """The file cannot be built; the text is for the person who builds it."""
