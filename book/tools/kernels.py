"""Kernels and tools that start in a moment: what all of them import is imported once.

    python book/tools/kernels.py serve build/sample/kernels --while PID
    python book/tools/kernels.py start -f connection.json
    python book/tools/kernels.py run book/tools/build.py ARGUMENTS

The first waits for the others: Jupyter starts the second in the place of a kernel, Make the third
in the place of `python`. Each gets a fork of the process that holds the packages; without one it
becomes a process of its own. None of our own code is imported before, since it may change while a
book is built.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import runpy
import signal
import socket
import sys
import threading
import time
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

SERVER, PROCESSORS = "IMET_KERNELS", "IMET_KERNEL_SECONDS"
"""Variables with the server's address, and with the file for the seconds that a kernel takes."""
SETTINGS = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
"""Of every kernel; packages read them when they are imported."""
PACKAGES = (
    "ipykernel.kernelapp", "ipykernel.ipkernel", "torch", "torchvision", "timm",
    "lightning_fabric", "scipy.stats", "scipy.ndimage", "sklearn.model_selection", "numba",
    "pandas", "seaborn", "imagecodecs", "tifffile", "papermill", "jupytext",
)  # fmt: skip
GPU = Path("/dev/nvidiactl")  # once started, its driver does not survive a fork


def serve(address: Path, builder: int) -> None:
    """Give a kernel to whoever asks, until the process `builder` has ended."""
    os.environ.update(SETTINGS)
    del sys.path[0]  # the folder of the tools
    with contextlib.suppress(PermissionError):
        os.setsid()  # an interruption at the terminal is for the build, which ends its kernels
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(address))
        door.listen()
        door.settimeout(1.0)
        told = 0.0  # processor seconds of this process that were passed on to a kernel
        while Path(f"/proc/{builder}").exists():
            try:
                caller, _ = door.accept()
            except TimeoutError:
                continue
            for package in PACKAGES:
                import_module(package)
            gc.freeze()  # or each kernel looks through a million objects again and again
            own, told = time.process_time() - told, time.process_time()
            if os.fork() == 0:
                door.close()
                _watch(caller, own)
            caller.close()
    address.unlink(missing_ok=True)


def _watch(caller: socket.socket, seconds: float) -> NoReturn:
    """Fork a kernel, pass its caller's signals on to it, and tell the caller how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, files, _, _ = socket.recv_fds(caller, 1 << 20, 3)
    while not message.endswith(b"\n"):
        if not (more := caller.recv(1 << 20)):
            os._exit(1)  # the caller was killed while it asked
        message += more
    kernel = os.fork()
    if kernel == 0:
        _become(json.loads(message), files)
    with contextlib.suppress(OSError):  # the caller was killed meanwhile: the next line sees to it
        caller.sendall(b"started\n")
    threading.Thread(target=_pass_signals_on, args=(caller, kernel), daemon=True).start()
    _, status, used = os.wait4(kernel, 0)
    seconds += used.ru_utime + used.ru_stime
    with contextlib.suppress(OSError):  # the caller is gone
        caller.sendall(f"{os.waitstatus_to_exitcode(status)} {seconds:.1f}\n".encode())
    os._exit(0)


def _pass_signals_on(caller: socket.socket, kernel: int) -> None:
    with contextlib.suppress(OSError):  # the kernel has ended, or the caller was killed
        for number in caller.makefile():
            os.kill(kernel, int(number))
    with contextlib.suppress(ProcessLookupError):
        os.kill(kernel, signal.SIGKILL)  # whoever is not told to end must not go on alone


def _become(order: dict[str, Any], files: list[int]) -> NoReturn:
    for place, file in enumerate(files):
        os.dup2(file, place)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = [order["script"] or "ipykernel_launcher", *order["arguments"]]
    code = 1
    try:
        if order["script"]:
            sys.path.insert(0, str(Path(order["script"]).resolve().parent))
            runpy.run_path(order["script"], run_name="__main__")
        else:
            import_module("ipykernel.kernelapp").launch_new_instance()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        if leaving.code is not None and leaving.code is not code:  # a sentence
            print(leaving.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _end_with(parent: int) -> None:
    """End this process, and with it the kernel, once its parent has ended, however it did."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def start(script: str, arguments: list[str]) -> NoReturn:
    """Act as a script or, without one, as a kernel: as a fork of the server, or alone."""
    order = {"script": script, "arguments": arguments, "environment": dict(os.environ)}
    order["folder"] = os.getcwd()
    message = json.dumps(order).encode() + b"\n"
    server = socket.socket(socket.AF_UNIX)
    answers = server.makefile()
    started = ""
    with contextlib.suppress(OSError, KeyError):
        server.connect(os.environ[SERVER])
        server.sendall(message[socket.send_fds(server, [message], [0, 1, 2]) :])
        started = answers.readline()
    if not started:  # no server, or one that could not import what it should
        program = [script] if script else ["-Xfrozen_modules=off", "-m", "ipykernel_launcher"]
        os.execv(sys.executable, [sys.executable, *program, *arguments])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: server.sendall(f"{number}\n".encode()))
    if not script:
        threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    if not (answer := answers.readline().split()):
        sys.exit(1)  # the process that watched the kernel was killed
    if not script:
        Path(os.environ[PROCESSORS]).write_text(answer[1])
    sys.exit(int(answer[0]) % 256)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", address, "--while", builder]:
            if not GPU.exists():
                serve(Path(address), int(builder))
        case ["start", *arguments]:
            start("", arguments)
        case ["run", script, *arguments]:
            start(script, arguments)
        case _:
            sys.exit(__doc__)
