"""Where machine code is kept: which folder, made for whom, and when none is good enough."""

import os
import stat
import sys

import numba
import pytest
from support.kernels import KERNEL_NAMES, KERNELS, copied_package, kernels_in, needs_compiler
from support.processes import run

from skregopt._kernels import cache_folder as folders
from skregopt._kernels.cache_folder import cache_folder

NOBODY = 65_534
needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
needs_modes = pytest.mark.skipif(sys.platform == "win32", reason="the mode of a file says nothing about access")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home folder of a user who has set nothing."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


# --- which folder ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "place"), [("linux", ".cache"), ("freebsd14", ".cache"), ("darwin", "Library/Caches")]
)
def test_the_users_folder(home, monkeypatch, platform, place):
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder("1.0") == home / place / "skregopt" / "1.0"


def test_the_users_folder_on_windows(home, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "win32")
    assert cache_folder("1.0") is None
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    assert cache_folder("1.0") == tmp_path / "Local" / "skregopt" / "1.0"


def test_xdg_cache_home_wins_over_home(home, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # which its specification forbids
    assert cache_folder("1.0").is_relative_to(home)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder("1.0") == tmp_path / "xdg" / "skregopt" / "1.0"


def test_numba_cache_dir_wins_over_all(home, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "chosen"))
    assert cache_folder("1.0") == tmp_path / "chosen" / "skregopt" / "1.0"
    assert not list(home.iterdir()) and not (tmp_path / "xdg").exists()


def test_versions_stand_side_by_side(home):
    first, second = cache_folder("1.0"), cache_folder("1.1")
    assert first != second and first.parent == second.parent
    assert first.is_dir() and second.is_dir()


def test_the_folder_says_what_it_is(home):
    folder = cache_folder("1.0").parent
    assert "skregopt" in (folder / "README.txt").read_text()
    assert (folder / "CACHEDIR.TAG").read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55")
    (folder / "README.txt").unlink()
    cache_folder("1.1")
    assert not (folder / "README.txt").exists()  # whoever deletes it, knows


# --- for whom -------------------------------------------------------------------------------------------------------


@needs_modes
def test_what_is_made_is_for_the_owner_only(home):
    before = mode_of(home)
    umask = os.umask(0)
    try:
        folder = cache_folder("1.0")
    finally:
        os.umask(umask)
    assert {mode_of(path) for path in (folder, folder.parent, folder.parents[1])} == {0o700}
    assert mode_of(home) == before


@needs_modes
def test_files_are_for_the_owner_only(compile_tanh, tmp_path):
    compile_tanh()
    (path,) = tmp_path.rglob("*.code")
    assert mode_of(path) == 0o600


@needs_modes
@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
def test_a_folder_that_others_may_write_to_is_not_used(home, level, mode):
    folder = cache_folder("1.0")
    changed = [folder, folder.parent][level]
    changed.chmod(mode)
    assert cache_folder("1.0") is None
    changed.chmod(0o755)
    assert cache_folder("1.0") == folder


@needs_root
@pytest.mark.parametrize("level", [0, 1])
def test_a_folder_that_others_own_is_not_used(home, level):
    folder = cache_folder("1.0")
    os.chown([folder, folder.parent][level], NOBODY, NOBODY)
    assert cache_folder("1.0") is None


@needs_root
def test_what_root_has_made_can_be_used_by_others(home, monkeypatch):
    folder = cache_folder("1.0")
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    assert cache_folder("1.0") == folder


@needs_root
def test_root_leaves_nothing_in_the_home_folder_of_another(home, monkeypatch, tmp_path):
    os.chown(home, NOBODY, NOBODY)
    assert cache_folder("1.0") is None
    assert not list(home.iterdir())
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(home))  # by wish
    assert cache_folder("1.0") is not None


@needs_modes
@pytest.mark.parametrize("mode", [0o660, 0o602])
def test_files_that_others_may_write_to_are_not_loaded(compile_tanh, tmp_path, mode):
    compile_tanh()
    (path,) = tmp_path.rglob("*.code")
    path.chmod(mode)
    assert compile_tanh() == 1
    assert compile_tanh() == 0  # another file has taken its place


@needs_root
def test_files_that_others_own_are_not_loaded(compile_tanh, tmp_path):
    compile_tanh()
    (path,) = tmp_path.rglob("*.code")
    os.chown(path, NOBODY, NOBODY)
    assert compile_tanh() == 1
    assert compile_tanh() == 0


@needs_root
def test_a_link_to_a_folder_that_others_own(home, tmp_path):
    theirs = tmp_path / "theirs"
    (theirs / "1.0").mkdir(parents=True)
    os.chown(theirs, NOBODY, NOBODY)
    (home / ".cache").mkdir()
    (home / ".cache" / "skregopt").symlink_to(theirs)
    assert cache_folder("1.0") is None
    assert not list((theirs / "1.0").iterdir())


@needs_root
def test_a_link_to_a_file_that_others_own(compile_tanh, tmp_path):
    compile_tanh()
    (path,) = tmp_path.rglob("*.code")
    (tmp_path / "their file").write_bytes(path.read_bytes())
    os.chown(tmp_path / "their file", NOBODY, NOBODY)
    path.unlink()
    path.symlink_to(tmp_path / "their file")
    assert compile_tanh() == 1
    assert not path.is_symlink()


def test_a_link_to_another_disk(home, tmp_path):
    (tmp_path / "large").mkdir(mode=0o700)
    (home / ".cache").symlink_to(tmp_path / "large")
    assert cache_folder("1.0").resolve() == tmp_path / "large" / "skregopt" / "1.0"


# --- no folder ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_the_way", ["", ".cache", ".cache/skregopt", ".cache/skregopt/1.0"])
def test_a_file_in_the_way(home, in_the_way):
    path = home / in_the_way
    path.parent.mkdir(parents=True, exist_ok=True)
    if path == home:
        path.rmdir()
    path.touch(mode=0o600)
    assert cache_folder("1.0") is None


def test_no_home_folder(home, monkeypatch):
    home.rmdir()
    assert cache_folder("1.0") is None
    assert not home.exists()

    def unknown():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(folders.Path, "home", unknown)
    assert cache_folder("1.0") is None


def test_a_folder_that_cannot_be_made(home, monkeypatch):
    def read_only(*_, **__):
        raise PermissionError("read-only file system")

    monkeypatch.setattr(folders.Path, "mkdir", read_only)
    assert cache_folder("1.0") is None


# --- after the package ----------------------------------------------------------------------------------------------


@needs_compiler
def test_nothing_is_left_in_the_package(tmp_path):
    """What pip has not installed it does not remove, and what it leaves would still be imported."""
    package = copied_package(tmp_path)
    before = sorted(package.rglob("*"))
    home = {"HOME": tmp_path, "XDG_CACHE_HOME": None, "NUMBA_CACHE_DIR": None, "PYTHONDONTWRITEBYTECODE": 1}
    assert set(kernels_in(run(KERNELS + 'kernels("float64")', path=tmp_path, env=home)["compiled"])) == KERNEL_NAMES
    assert sorted(package.rglob("*")) == before
    assert len(list((tmp_path / ".cache" / "skregopt").glob("*/*.code"))) >= 4
