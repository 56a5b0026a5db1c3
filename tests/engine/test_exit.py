"""A script that ends without closing its studio does not print errors of work that still ran."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
from imgplay_widget import Studio

studio = Studio({store!r})
batch = studio.generate("a fox", model="demo:instant", n=3)
batch.result(30)
studio.delete(batch[0])
"""


def test_the_end_of_a_script_is_quiet(tmp_path):
    script = SCRIPT.format(store=str(tmp_path / "store"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
