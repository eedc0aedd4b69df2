from __future__ import annotations

import os
import re
import subprocess

from tests.collect.test_watch import ROW
from tmuxpulse.collect.command import Identity
from tmuxpulse.collect.fifos import FifoDir
from tmuxpulse.collect.pane_pipe import PanePipe

ME = Identity(pid=os.getpid(), start_time=5, version="3.3a")


def shell_line(pipe: PanePipe) -> str:
    """What tmux has a shell run."""
    (command,) = pipe.opening_commands("nonce")
    found = re.search(r"pipe-pane -O -t '%\d+' '([^']*)'", command)
    assert found is not None
    return found[1]


def test_what_a_pane_prints_comes_out_of_its_fifo(tmp_path):
    fifos = FifoDir(str(tmp_path))
    pipe = PanePipe(ROW, born=False)
    fifo = fifos.fifo(ME, ROW.pane_id)
    pipe.open(fifo, 0.0)
    done = subprocess.run(["sh", "-c", shell_line(pipe)], input=b"hello", check=False)
    assert (done.returncode, os.read(fifo.fd, 100)) == (0, b"hello")
    fifo.close()
    fifos.close()


def test_a_writer_that_comes_when_the_fifo_is_gone_makes_no_file_of_it(tmp_path):
    fifos = FifoDir(str(tmp_path))
    pipe = PanePipe(ROW, born=False)
    fifo = fifos.fifo(ME, ROW.pane_id)
    pipe.open(fifo, 0.0)
    line = shell_line(pipe)
    fifo.close()
    done = subprocess.run(["sh", "-c", line], input=b"a secret", check=False, timeout=60)
    assert done.returncode == 1
    assert not fifo.path.exists()
    fifos.close()
