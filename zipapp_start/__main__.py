"""The first file of tmuxpulse.pyz that runs: turns away a Python that is too old, then starts.

This file must be readable by Python 2.7 (no annotations, no f-strings, no print function, ASCII
only), because an older parser would otherwise answer with a SyntaxError instead of a sentence.
Everything that needs a modern Python is in the modules beside it:

``_tmuxpulse_start``   which interpreter is this, where is its unpacked tree, is the tree whole
``_tmuxpulse_unpack``  the first start: unpack and compile, in a child, under a lock
``_tmuxpulse_memory``  no directory to unpack to, or one that may not hold programs
``_tmuxpulse_carried`` written by the build: the content hash, the interpreters it is for
``_tmuxpulse_wheels``  written by the build: the wheels for each of them

It knows nothing of what tmuxpulse does.
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036 - meant for exactly the versions ruff rules out
    sys.stderr.write(
        "tmuxpulse: needs Python 3.10 or newer; this is Python %d.%d (%s)\n"  # noqa: UP031 - 2.7
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
    sys.exit(1)

from _tmuxpulse_start import start

start()
