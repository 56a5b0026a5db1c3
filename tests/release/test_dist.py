"""`make dist` refuses a repository that is not ready, and all files name one version."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

import imgplay_widget
from hatch_build import BUILT, EXTENSION, STATIC
from scripts import dist

ROOT = Path(__file__).resolve().parents[2]
DATED = "# Changelog\n\n## [1.2.0] - 2026-11-30\n\n### Added\n\n- A thing.\n\n## [1.1.0] - 2026-01-01\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return the files of a repository that can be released as they are."""
    write(tmp_path, "js/package.json", json.dumps({"version": "1.2.0"}))
    write(tmp_path, "docs/openapi.json", json.dumps({"info": {"version": "1.2.0"}}))
    write(tmp_path, "CHANGELOG.md", DATED)
    source = write(tmp_path, "js/src/index.ts", "")
    scripts = (STATIC / "parts" / "large.js", EXTENSION / "static" / "remote.js")
    built = [write(tmp_path, str(path), "") for path in (*BUILT, *scripts)]
    os.utime(source, (1000, 1000))
    os.utime(tmp_path / "js" / "package.json", (1000, 1000))
    for file in built:
        os.utime(file, (2000, 2000))
    return tmp_path


def write(root: Path, name: str, text: str) -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_a_dated_version_with_its_page_can_be_released(repository: Path) -> None:
    assert dist.problems(repository) == []


def test_an_empty_heading_for_what_comes_next_is_in_nobodys_way(repository: Path) -> None:
    write(repository, "CHANGELOG.md", DATED.replace("## [1.2.0]", "## [Unreleased]\n\n## [1.2.0]"))
    assert dist.problems(repository) == []


@pytest.mark.parametrize(
    ("changelog", "said"),
    [
        ("", "the newest version in CHANGELOG.md is missing, and that of js/package.json 1.2.0"),
        (DATED.replace("1.2.0", "1.3.0"), "in CHANGELOG.md is 1.3.0, and that of js/package.json 1.2.0"),
        (DATED.replace(" - 2026-11-30", ""), "1.2.0 has no date in CHANGELOG.md"),
        (DATED.replace("2026-11-30", "2026-11-31"), "1.2.0 has no date in CHANGELOG.md"),
        (
            DATED.replace("## [1.2.0]", "## [Unreleased]\n\n- B.\n\n## [1.2.0]"),
            "CHANGELOG.md has unreleased changes",
        ),
        ("## [Unreleased]\n\n- A.\n", "CHANGELOG.md has unreleased changes"),
    ],
)
def test_a_changelog_of_another_version_is_refused(repository: Path, changelog: str, said: str) -> None:
    write(repository, "CHANGELOG.md", changelog)
    (line,) = dist.problems(repository)
    assert said in line


def test_a_description_of_another_version_is_refused(repository: Path) -> None:
    write(repository, "docs/openapi.json", json.dumps({"info": {"version": "1.1.0"}}))
    assert dist.problems(repository) == [
        "docs/openapi.json is of 1.1.0, and js/package.json of 1.2.0: run `make openapi`."
    ]


def test_a_page_that_is_older_than_a_source_is_refused(repository: Path) -> None:
    os.utime(repository / "js" / "src" / "index.ts", (3000, 3000))
    (line,) = dist.problems(repository)
    assert "older than its sources" in line


@pytest.mark.parametrize("path", [*BUILT, STATIC / "parts", EXTENSION / "static"], ids=str)
def test_a_page_that_is_not_complete_is_refused(repository: Path, path: Path) -> None:
    file = repository / path
    shutil.rmtree(file) if file.is_dir() else file.unlink()
    (line,) = dist.problems(repository)
    assert "not complete" in line


def test_what_is_not_ready_builds_nothing(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dist, "ROOT", repository)
    monkeypatch.setattr(dist, "DIST", repository / "dist")
    write(repository, "CHANGELOG.md", "")
    with pytest.raises(SystemExit, match=r"dist: the newest version in CHANGELOG\.md is missing"):
        dist.main()
    assert not (repository / "dist").exists()


def test_all_files_of_the_repository_name_one_version() -> None:
    def of(name: str) -> dict:
        return json.loads((ROOT / name).read_text(encoding="utf-8"))

    version, lock = of("js/package.json")["version"], of("js/package-lock.json")
    assert (lock["version"], lock["packages"][""]["version"]) == (version, version)
    assert of("docs/openapi.json")["info"]["version"] == version
    # The package that is installed says it too. `make` installs it again after a change.
    assert imgplay_widget.__version__ == version
