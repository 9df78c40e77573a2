"""Snakemake and its jobs without the start of Python: a process that has imported all, and forks.

Each call of Snakemake, and each script that it starts, is a process of its own: a fork of one that
has imported what they need of others, and nothing of this project, whose sources differ between
folders. So a plan takes 0.4 s instead of 1.6 s, and a job 1 s instead of 3 s. What runs in them is
Snakemake's own `main`, and the scripts as Snakemake wrote them.

The processes of one test run share it (`share`).

A call is a connection to the socket of that process: a line of JSON and the three streams go there,
the exit status comes back. Who closes the connection before ends the call.
"""

import atexit
import contextlib
import gc
import importlib
import json
import logging
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NoReturn

FOR_PLANS = (
    *("snakemake.cli", "snakemake.report.html_reporter", "snakemake.storage", "yte", "jsonschema"),
    *("numpy", "psutil", "pydantic", "yaml", "docutils.core", "nbformat", "requests", "graphlib"),
    *("PIL.Image", "smart_open", "pygments.formatters", "pygments.lexers"),
)
FOR_JOBS = (
    *("snakemake.script", "torch", "torch._dynamo", "pandas", "scipy.ndimage", "scipy.stats"),
    *("skimage.metrics._structural_similarity", "skimage.registration", "skimage.draw"),
    *("matplotlib.pyplot", "matplotlib.backends.backend_svg", "jinja2", "plotly.offline"),
    *("safetensors.torch", "h5py", "hdf5plugin", "pydantic.dataclasses"),
    *("onnx", "torch.onnx._internal.torchscript_exporter.symbolic_opset20"),
)
CLIENT = Path(__file__).with_name("warm_job.py")
SHARED = "WARM_SOCKET"  # the environment variable that names the socket


def snakemake(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Call Snakemake in a folder, and wait for it."""
    command = ["snakemake", *arguments]
    call = {"command": command, "folder": str(folder.resolve()), "environment": dict(environment)}
    with (
        tempfile.TemporaryFile("w+") as said,
        tempfile.TemporaryFile("w+") as complained,
        open(os.devnull) as nothing,
        socket.socket(socket.AF_UNIX) as connection,
    ):
        connection.settimeout(timeout)
        connection.connect(_socket())
        streams = [stream.fileno() for stream in (nothing, said, complained)]
        socket.send_fds(connection, [json.dumps(call).encode() + b"\n"], streams)
        try:
            status = int(connection.recv(100))
        except TimeoutError:
            status = None
        for stream in (said, complained):
            stream.seek(0)
        answers = said.read(), complained.read()
    if status is None:
        raise subprocess.TimeoutExpired(command, timeout, *answers)
    return subprocess.CompletedProcess(command, status, *answers)


def share() -> None:
    """Start the process now, for this one and all that it starts."""
    os.environ[SHARED] = _start()


@cache
def _socket() -> str:
    """The socket of the process that has imported all."""
    return os.environ.get(SHARED) or _start()


def _start() -> str:
    """Start the process, which ends with this one; return its socket, where calls may wait."""
    folder = tempfile.TemporaryDirectory(prefix="warm")
    path = f"{folder.name}/socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        process = subprocess.Popen(
            [sys.executable, __file__, path, str(listener.fileno())],
            env={**os.environ, "OMP_NUM_THREADS": "1"},  # a process with threads must not fork
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
        )
    atexit.register(folder.cleanup)
    atexit.register(process.communicate)  # closes its stdin, and waits
    return path


class Calls:
    """The calls at work: each a process, and the connection that waits for it."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.waiting: dict[int, socket.socket] = {}
        self.selector = selectors.DefaultSelector()
        self.ended, self.wakeup = socket.socketpair()
        for end in (self.ended, self.wakeup):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wakeup.fileno())
        for source in (sys.stdin, listener, self.ended):
            self.selector.register(source, selectors.EVENT_READ)

    def serve(self) -> None:
        """Until stdin is closed."""
        while True:
            ready = [key.fileobj for key, _ in self.selector.select()]
            if sys.stdin in ready:
                return
            for source in ready:
                if source is self.listener:
                    self.begin(self.listener.accept()[0])
                elif source is self.ended:
                    self.ended.recv(1000)
                    self.answer()
                else:
                    self.abandon(source)

    def begin(self, connection: socket.socket) -> None:
        """Let a fork do what is asked for."""
        request, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
        while not request.endswith(b"\n"):
            request += connection.recv(1 << 20)
        child = os.fork()
        if not child:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self.selector.close()
            for other in (
                self.listener,
                self.ended,
                self.wakeup,
                connection,
                *self.waiting.values(),
            ):
                other.close()
            _do(**json.loads(request), streams=streams, path=sys.argv[1])
        for stream in streams:
            os.close(stream)
        self.waiting[child] = connection
        self.selector.register(connection, selectors.EVENT_READ)

    def answer(self) -> None:
        """Tell the exit status of what has ended."""
        for child in list(self.waiting):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                connection = self.waiting.pop(child)
                with contextlib.suppress(KeyError):
                    self.selector.unregister(connection)
                with contextlib.suppress(OSError):
                    connection.send(str(os.waitstatus_to_exitcode(status)).encode())
                connection.close()

    def abandon(self, connection: object) -> None:
        """End what nobody waits for any more."""
        for child, waiting in self.waiting.items():
            if waiting is connection:
                self.selector.unregister(waiting)
                os.kill(child, signal.SIGTERM)


def _do(
    command: list[str], folder: str, environment: dict[str, str], streams: list[int], path: str
) -> NoReturn:
    """Do what `python -m snakemake` or `python script` does, in the process that the fork made."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.argv = command
    status: str | int | None = 0
    try:
        if command[0] == "snakemake":
            sys.path[0] = folder
            sys.executable = f"{sys.executable} -I -S {CLIENT} {path}"  # with it it starts scripts
            sys.modules["snakemake.cli"].main(command[1:])
        else:
            sys.path[0] = str(Path(command[0]).parent)
            runpy.run_path(command[0], run_name="__main__")
    except SystemExit as end:
        status = end.code
    except BaseException:
        status = traceback.format_exc()
    logging.shutdown()
    if isinstance(status, str):  # as Python does at its end
        print(status, file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(1 if isinstance(status, str) else status or 0)  # without tidying all that was imported


def main(listener: int) -> None:
    for name in (*FOR_PLANS, *FOR_JOBS):
        importlib.import_module(name)
    sys.modules["snakemake.cli"].get_argument_parser()  # finds the plugins, once
    sys.modules["PIL.Image"].init()
    gc.freeze()  # a call would copy the memory of all this to look for garbage in it
    with socket.socket(fileno=listener) as calls:
        Calls(calls).serve()


if __name__ == "__main__":
    main(int(sys.argv[2]))
