"""Makes the virtual environment: `python3 ops/bootstrap.py requirements.txt [requirements-dev.txt]`.

Works with a bare Python 3.11+ of Debian or Ubuntu, which has neither pip nor ensurepip. The second time it
only compares a stamp with the lock files, so it needs no network. Imports the standard library alone.
"""

from __future__ import annotations

import base64
import configparser
import glob
import hashlib
import html.parser
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"

# Fetched only where Python came without ensurepip; everything else is installed with hashes by pip itself.
PIP_WHEEL = "pip-26.2.1-py3-none-any.whl"
PIP_SHA256 = "71138adf1f4ca900cdb7d289c21b7494329f2332b6d85f0e1c42108c0384ed3e"


class CannotInstall(Exception):
    """The message says what to do."""


def main(lock_files: Sequence[str]) -> None:
    locks = [ROOT / name for name in lock_files]
    stamp = VENV / (".installed-" + "-".join(path.stem for path in locks))
    wanted = fingerprint(locks)
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    if not usable():
        make_environment()
    install(locks)
    stamp.write_text(wanted)


def fingerprint(locks: Sequence[Path]) -> str:
    """Changes with the locks, with Python, and with the folder, which the programs in .venv/bin name."""
    digest = hashlib.sha256(f"{VENV} {VERSION}\n".encode())
    for path in locks:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def usable() -> bool:
    """Whether .venv is a working environment, made here and not moved here, for the same Python."""
    if not PYTHON.exists():
        return False
    asked = "import pip, sys; print(sys.prefix, '%d.%d' % sys.version_info[:2])"
    said = subprocess.run([PYTHON, "-c", asked], capture_output=True, text=True, check=False).stdout.strip()
    if said != f"{VENV} {VERSION}":
        return False
    scripts = [VENV / "bin" / name for name in ("pip", "flask")]
    return all(str(VENV) in script.read_text()[:1000] for script in scripts if script.exists())


# --- the environment ----------------------------------------------------------------------------------------


def make_environment() -> None:
    say(f"making .venv with Python {VERSION}")
    if VENV.exists():
        shutil.rmtree(VENV)
    made = run([sys.executable, "-m", "venv", VENV])
    if made.returncode == 0:
        return
    # Debian packs ensurepip apart, in python3-venv.
    shutil.rmtree(VENV, ignore_errors=True)
    made = run([sys.executable, "-m", "venv", "--without-pip", VENV])
    if made.returncode != 0:
        raise CannotInstall(f"cannot make .venv: {(made.stderr or made.stdout).strip()}")
    try:
        add_pip()
    except BaseException:
        shutil.rmtree(VENV, ignore_errors=True)
        raise


def add_pip() -> None:
    say("this Python has no ensurepip; fetching pip itself")
    with tempfile.TemporaryDirectory() as folder:
        reasons = []
        for fetch in (pip_of_this_machine, pip_of_the_index, pip_of_apt):
            try:
                wheel = fetch(Path(folder))
            except CannotInstall as reason:
                reasons.append(str(reason))
                continue
            # pip runs from inside its own wheel, and installs it.
            done = run([PYTHON, f"{wheel}/pip", "install", "--no-index", "--quiet", wheel])
            if done.returncode == 0:
                return
            reasons.append(f"{wheel} does not install: {done.stderr.strip()}")
    raise CannotInstall(
        f"cannot get pip ({'; '.join(reasons)}). Connect to the network, set PIP_INDEX_URL to a package "
        "index, or install Debian's: apt install python3-venv"
    )


def pip_of_this_machine(_folder: Path) -> Path:
    """Debian keeps pip's wheel here when python3-venv or python3-pip is installed."""
    return pip_inside(Path("/usr/share/python-wheels"))


def pip_of_the_index(folder: Path) -> Path:
    """The pinned wheel, from the package index that pip is configured to use."""
    places = configured_places()
    if not places:
        raise CannotInstall("no package index is configured")
    problem = ""
    for place in places:
        try:
            content = download(find_wheel(place))
        except (OSError, ValueError) as error:
            problem = str(getattr(error, "reason", error))
            continue
        if hashlib.sha256(content).hexdigest() == PIP_SHA256:
            (folder / PIP_WHEEL).write_bytes(content)
            return folder / PIP_WHEEL
        problem = f"{PIP_WHEEL} has another checksum than the pinned one"
    raise CannotInstall(f"the configured package index does not give {PIP_WHEEL}: {problem}")


def pip_of_apt(folder: Path) -> Path:
    """Debian's package of pip's wheel, taken apart and not installed, which needs no root."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise CannotInstall("no apt-get")
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / "apt" / part).mkdir(parents=True)
    options = ["-q", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User="]
    options += ["-o", f"Dir::Cache={folder}/apt/cache"]
    own_lists = ["-o", f"Dir::State::Lists={folder}/apt/lists"]
    fetched = run(["apt-get", *options, "download", "python3-pip-whl"], cwd=folder)
    if fetched.returncode != 0:  # a fresh machine has no package lists yet
        run(["apt-get", *options, *own_lists, "update"])
        fetched = run(["apt-get", *options, *own_lists, "download", "python3-pip-whl"], cwd=folder)
    packages = glob.glob(f"{folder}/python3-pip-whl_*.deb")
    if fetched.returncode != 0 or not packages:
        raise CannotInstall("apt-get gives no python3-pip-whl")
    run(["dpkg-deb", "-x", packages[0], folder / "pip"])
    return pip_inside(folder / "pip/usr/share/python-wheels")


def pip_inside(folder: Path) -> Path:
    wheels = sorted(folder.glob("pip-*.whl"))
    if not wheels:
        raise CannotInstall(f"no pip in {folder}")
    return wheels[-1]


# --- the configured index, as pip reads it ------------------------------------------------------------------


def configured_places() -> list[str]:
    """Simple indexes (pip is asked for below them) and folders with wheels, the environment first."""
    indexes: list[str] = []
    links: list[str] = []
    for settings in [environment()] + [configuration(path) for path in configuration_files()]:
        indexes += settings.get("index-url", "").split() + settings.get("extra-index-url", "").split()
        links += settings.get("find-links", "").split()
    return [index.rstrip("/") + "/pip/" for index in indexes] + links


def environment() -> dict[str, str]:
    names = ("index-url", "extra-index-url", "find-links")
    return {name: os.environ.get("PIP_" + name.upper().replace("-", "_"), "") for name in names}


def configuration_files() -> list[Path]:
    home = Path.home()
    named = os.environ.get("PIP_CONFIG_FILE")
    files = [home / ".config/pip/pip.conf", home / ".pip/pip.conf", Path("/etc/xdg/pip/pip.conf")]
    return ([Path(named)] if named else []) + files + [Path("/etc/pip.conf")]


def configuration(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (OSError, configparser.Error):
        return {}
    sections = [dict(parser.items(name)) for name in ("global", "install") if parser.has_section(name)]
    return {key.replace("_", "-"): value for section in sections for key, value in section.items()}


class Links(html.parser.HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


def find_wheel(place: str) -> str:
    """The wheel's address, given a page of links or a folder."""
    if "://" not in place:
        place = Path(place).absolute().as_uri()
    folder = urllib.request.url2pathname(urllib.parse.urlsplit(place).path)
    if place.startswith("file:") and os.path.isdir(folder):
        if os.path.exists(os.path.join(folder, PIP_WHEEL)):
            return place.rstrip("/") + "/" + PIP_WHEEL
        place = place.rstrip("/") + "/index.html"
    for link in Links(download(place).decode("utf-8", "replace")).found:
        address = urllib.parse.urljoin(place, link)
        if urllib.parse.urlsplit(address).path.endswith("/" + PIP_WHEEL):
            return urllib.parse.urldefrag(address).url
    raise ValueError("it does not list it")


def download(address: str) -> bytes:
    """Credentials in the address are honoured, as pip does."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in ("https", "http", "file"):
        raise ValueError(f"{parts.scheme} is no scheme of a package index")
    request = urllib.request.Request(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())
    if parts.username:
        pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        request.add_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
    context = ssl.create_default_context(cafile=os.environ.get("PIP_CERT") or None)
    with urllib.request.urlopen(request, timeout=60, context=context) as answer:
        content: bytes = answer.read()
    return content


# --- the packages -------------------------------------------------------------------------------------------


def install(locks: Sequence[Path]) -> None:
    names = " and ".join(lock.name for lock in locks)
    say(f"installing {names} (the first time this downloads some 100 MB and takes a minute or two)")
    command = [str(PYTHON), "-m", "pip", "install", "--require-hashes", "--disable-pip-version-check"]
    command += ["--progress-bar", "off"]
    for lock in locks:
        command += ["-r", str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as pip:
        for line in pip.stdout or ():
            if line.startswith(("Collecting", "Installing", "Successfully")):
                print("    " + line.partition(" (from ")[0].strip()[:100], flush=True)
    if pip.returncode != 0:
        raise CannotInstall(
            "pip could not install the packages; its reason is above. The first start needs the network: "
            "connect, or set PIP_INDEX_URL or HTTPS_PROXY, and start again; what was fetched is kept"
        )


def run(command: Sequence[object], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False)


def say(what: str) -> None:
    print("==> " + what, flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except CannotInstall as problem:
        sys.exit(f"error: {problem}")
    except KeyboardInterrupt:
        sys.exit("interrupted; start again to go on")
