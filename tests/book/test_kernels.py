"""Kernels and tools that are forks of one process: they do what they would alone, and end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

from imet.io import REPO

TOOLS = REPO / "book" / "tools"
NOTEBOOK = """\
# %% tags=["parameters"]
profile = "tiny"

# %%
import os, sys
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.show()
print(os.getcwd(), sys.path, profile, os.environ["ONE"])

# %%
from pathlib import Path
Path(os.environ["PROCESS"]).write_text(f"{os.getpid()} {os.getppid()}")
import time
began = time.process_time()
while time.process_time() < began + float(os.environ["SECONDS"]):
    pass
"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere kernels are not forked"),
]


def serve(
    address: Path, builder: int, package: str = "ipykernel.kernelapp"
) -> subprocess.Popen[bytes]:
    """A server with the one package that every kernel needs."""
    program = (
        f"import sys; sys.path[0] = {str(TOOLS)!r}; import kernels; from pathlib import Path;"
        f"kernels.PACKAGES = ({package!r},); kernels.serve(Path(sys.argv[1]), {builder})"
    )
    server = subprocess.Popen([sys.executable, "-c", program, str(address)])
    until(address.exists)
    return server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = serve(tmp_path / "k", os.getpid())
    yield process
    process.kill()
    process.wait()


def execute(
    folder: Path, name: str, seconds: float = 0, address: str = "k"
) -> subprocess.Popen[str]:
    source = folder / f"{name}.py"
    source.write_text(NOTEBOOK)
    settings = {"IMET_KERNELS": str(folder / address), "ONE": "1", "SECONDS": str(seconds)}
    return subprocess.Popen(
        [sys.executable, str(TOOLS / "execute.py"), str(source), "--out", f"{folder}/{name}.ipynb"],
        env={**os.environ, **settings, "PROCESS": f"{folder}/{name}.pid"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until(true: Callable[[], object], seconds: float = 60) -> None:
    last = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < last, "waited in vain"
        time.sleep(0.05)


def process_of(folder: Path, name: str) -> tuple[int, int]:
    """A kernel and its parent, once it has said so."""
    path = folder / f"{name}.pid"
    until(lambda: path.exists() and path.read_text().count(" "))
    kernel, parent = map(int, path.read_text().split())
    return kernel, parent


def runs(process: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def outputs(path: Path) -> list[object]:
    return [cell.get("outputs") for cell in nbformat.read(path, as_version=4).cells]


def test_a_fork_gives_what_a_kernel_of_its_own_does(
    tmp_path: Path, server: subprocess.Popen[bytes]
) -> None:
    forked, own = execute(tmp_path, "forked", 1.0), execute(tmp_path, "own", 1.0, "none")
    for process in (forked, own):
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
    assert outputs(tmp_path / "forked.ipynb") == outputs(tmp_path / "own.ipynb")
    parents = [process_of(tmp_path, name)[1] for name in ("forked", "own")]
    assert parents[1] != parents[0]
    for name in ("forked", "own"):
        _, processors = map(float, (tmp_path / f"{name}.times").read_text().split())
        assert processors > 1.5, "the kernel's work counts, and that of the tool"


def test_two_kernels_at_once_are_two_processes(
    tmp_path: Path, server: subprocess.Popen[bytes]
) -> None:
    both = [execute(tmp_path, name, 0.5) for name in ("a", "b")]
    for process in both:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
    assert process_of(tmp_path, "a")[0] != process_of(tmp_path, "b")[0]


@pytest.mark.parametrize("changed", [False, True])
def test_a_chapter_that_two_builds_want_is_executed_once_as_it_is(
    tmp_path: Path, server: subprocess.Popen[bytes], changed: bool
) -> None:
    first = execute(tmp_path, "a", seconds=6)
    kernel, _ = process_of(tmp_path, "a")
    written = (tmp_path / "a.py").stat()
    second = execute(tmp_path, "a", seconds=0.1)
    if not changed:
        os.utime(tmp_path / "a.py", ns=(written.st_atime_ns, written.st_mtime_ns))
    for process in (first, second):
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
    assert (process_of(tmp_path, "a")[0] == kernel) == (not changed)
    _, processors = map(float, (tmp_path / "a.times").read_text().split())
    assert (processors > 6) == (not changed)


def test_a_chapter_is_executed_again_when_make_asks(
    tmp_path: Path, server: subprocess.Popen[bytes]
) -> None:
    kernels = set()
    for _ in range(2):
        process = execute(tmp_path, "a")
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        kernels.add(process_of(tmp_path, "a"))
    assert len(kernels) == 2


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_build_that_is_stopped_takes_its_kernel_with_it(
    tmp_path: Path, server: subprocess.Popen[bytes], sign: signal.Signals
) -> None:
    process = execute(tmp_path, "a", seconds=600)
    kernel, _ = process_of(tmp_path, "a")
    if sign == signal.SIGKILL:  # of what Jupyter takes for the kernel
        caller = next(
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if b"kernels.py\0start" in path.read_bytes() and str(tmp_path) in environment(path)
        )
        os.kill(caller, sign)
    else:
        process.send_signal(sign)
    said, _ = process.communicate(timeout=60)
    assert process.returncode != 0, said
    until(lambda: not runs(kernel))
    assert not (tmp_path / "a.ipynb").exists()


@pytest.mark.parametrize("address", ["k", "none"])
def test_a_killed_build_leaves_no_kernel_behind(
    tmp_path: Path, server: subprocess.Popen[bytes], address: str
) -> None:
    process = execute(tmp_path, "a", seconds=600, address=address)
    kernel, _ = process_of(tmp_path, "a")
    process.kill()
    process.communicate(timeout=60)
    until(lambda: not runs(kernel), seconds=20)


def environment(cmdline: Path) -> str:
    return (cmdline.parent / "environ").read_bytes().decode(errors="replace")


def test_the_server_ends_with_the_build_and_takes_no_kernel_with_it(tmp_path: Path) -> None:
    builder = subprocess.Popen(["sleep", "600"])
    server = serve(tmp_path / "k", builder.pid)
    process = execute(tmp_path, "a", seconds=3)
    process_of(tmp_path, "a")
    builder.kill()
    builder.wait()
    assert server.wait(30) == 0
    assert not (tmp_path / "k").exists()
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said


def test_what_a_killed_server_left_is_passed_over(tmp_path: Path) -> None:
    server = serve(tmp_path / "k", os.getpid())
    server.kill()
    server.wait()
    assert (tmp_path / "k").exists()
    process = execute(tmp_path, "a")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said


def test_a_server_that_cannot_import_leaves_kernels_to_themselves(tmp_path: Path) -> None:
    server = serve(tmp_path / "k", os.getpid(), "no_such_package")
    process = execute(tmp_path, "a")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert server.wait(30) != 0


SCRIPT = """\
import os, sys, time
from neighbour import WORD
print(WORD, sys.argv[1:], os.getcwd(), os.environ["ONE"], __name__, sys.stdin.read())
match sys.argv[1]:
    case "number": sys.exit(3)
    case "sentence": sys.exit("it is not there")
    case "fault": raise ValueError("seven")
    case "wait":
        try:
            print("waiting", flush=True)
            time.sleep(600)
        finally:
            print("put away")
"""


def tool(folder: Path, what: str, address: str = "k") -> subprocess.Popen[str]:
    """A script that runs as a fork of the server at the address, if there is one."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "script.py").write_text(SCRIPT)
    (tools / "neighbour.py").write_text("WORD = 'here'")
    command = [
        sys.executable,
        str(TOOLS / "kernels.py"),
        "run",
        "tools/script.py",
        what,
        "-p",
        "a b",
    ]
    process = subprocess.Popen(
        command,
        env={**os.environ, "IMET_KERNELS": str(folder / address), "ONE": "1"},
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    process.stdin.write("from outside")
    process.stdin.close()
    process.stdin = None
    return process


@pytest.mark.parametrize(
    ("what", "code", "fault"),
    [
        ("end", 0, ""),
        ("number", 3, ""),
        ("sentence", 1, "it is not there\n"),
        ("fault", 1, "seven"),
    ],
)
def test_a_tool_that_is_a_fork_does_what_it_does_alone(
    tmp_path: Path, server: subprocess.Popen[bytes], what: str, code: int, fault: str
) -> None:
    said = []
    for address in ("k", "none"):
        process = tool(tmp_path, what, address)
        output, errors = process.communicate(timeout=60)
        assert process.returncode == code, errors
        assert fault in errors
        assert bool(errors) == bool(fault)
        said.append(output)
    assert said[0] == said[1]
    assert said[0].startswith(f"here ['{what}', '-p', 'a b'] {tmp_path} 1 __main__ from outside")


def test_who_is_killed_while_it_asks_leaves_nothing_behind(tmp_path: Path) -> None:
    """Packages take seconds to import; a build may be killed while it waits for them."""
    (tmp_path / "slow_package.py").write_text("import time; time.sleep(3)")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
        server = serve(tmp_path / "k", os.getpid(), "slow_package")
    script = tmp_path / "script.py"
    script.write_text("import time, pathlib; time.sleep(2); pathlib.Path('went on').touch()")
    process = subprocess.Popen(
        [sys.executable, str(TOOLS / "kernels.py"), "run", str(script)],
        env={**os.environ, "IMET_KERNELS": str(tmp_path / "k")},
        cwd=tmp_path,
    )
    time.sleep(1.5)
    process.kill()
    process.wait()
    time.sleep(5)
    assert server.poll() is None
    server.kill()
    assert not (tmp_path / "went on").exists()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_a_tool_that_is_stopped_ends(
    tmp_path: Path, server: subprocess.Popen[bytes], sign: signal.Signals
) -> None:
    process = tool(tmp_path, "wait")
    assert process.stdout
    while process.stdout.readline() != "waiting\n":
        assert process.poll() is None
    process.send_signal(sign)
    rest = process.stdout.read()  # ends when the fork has closed it, too
    assert process.wait(60) != 0
    assert ("put away" in rest) == (sign == signal.SIGINT)
