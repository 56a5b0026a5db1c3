"""The provider ``jobs`` as an installed plug-in, for processes that a test starts."""

from __future__ import annotations

import os
from pathlib import Path

from tests.faults.job_provider import JobProvider

ROOT = Path(__file__).resolve().parents[2]

PLUGIN = """
import os
from {module} import {name}

def make():
    return {name}(os.environ["JOBS_ORIGIN"])
"""


def install_plugin(folder: Path, origin: str, kind: type[JobProvider] = JobProvider) -> dict[str, str]:
    """Write the plug-in into a folder. Return the environment in which Python finds the plug-in.

    Args:
        folder: the folder.
        origin: the address of the `JobServer`.
        kind: the class of the provider.
    """
    info = folder / "imgplay_jobs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: imgplay-jobs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[imgplay_widget.providers]\njobs = imgplay_jobs:make\n")
    (folder / "imgplay_jobs.py").write_text(PLUGIN.format(module=kind.__module__, name=kind.__name__))
    paths = [str(ROOT / "src"), str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {"JOBS_ORIGIN": origin, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
