"""A short run of the kill proof; ``python -m tests.killing`` is the long one."""

import os
import subprocess
import sys

from tests.killing.product import ROOT

SIZE = ("--kills", "5", "--contacts", "120", "--seed", "5")


def test_nobody_is_made_twice_and_no_edit_is_lost_when_worker_and_web_are_killed_again_and_again() -> None:
    command = [sys.executable, "-m", "tests.killing.__main__", *SIZE]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, text=True
    )
    assert done.returncode == 0, done.stdout
