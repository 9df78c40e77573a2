"""Snakemake and its jobs without the start of Python: a process that has imported all, and forks.

Each call of Snakemake, and each script that it starts, is a process of its own: a fork of one that
has imported what they need of others, and nothing of this project, whose sources differ between
folders. So a plan takes 0.4 s instead of 1.6 s, and a job 1 s instead of 3 s. What runs in them is
Snakemake's own `main`, and the scripts as Snakemake wrote them.

The processes of one test run share it (`share`).

A call is a connection to the socket of that process: a line of JSON and the three streams go there,
the id of the process and its exit status come back. Who closes the connection before ends the call.
"""

import atexit
import contextlib
import gc
import importlib
import json
import logging
import os
import runpy
import select
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
CLIENT = Path(__file__).with_name("warm_python.py")
SHARED = "WARM_SOCKET"  # the environment variable that names the socket
DIGITS = 10  # of the id of a process
CALL = "WARM_CALL"  # that which tells a job the process of its Snakemake


class Running:
    """A call at work; has what tests use of `subprocess.Popen`.

    It is Snakemake's if its first word says so, or else that of a script. A call with a `session`
    of its own has a group of processes of its own: it, and what stands there for its jobs.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        streams: Sequence[int],
        session: bool = False,
    ) -> None:
        self.command = list(command)
        self.returncode: int | None = None
        request = {"command": self.command, "folder": str(folder.resolve()), "session": session}
        line = json.dumps({**request, "environment": dict(environment)}).encode() + b"\n"
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(_socket())
        socket.send_fds(self._connection, [line], list(streams))
        self.pid = int(self._connection.recv(DIGITS, socket.MSG_WAITALL))

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and that of all its jobs; return its exit status."""
        if self.returncode is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.command, timeout or 0.0)
            self.returncode = int(self._connection.recv(100))
            self.close()
        return self.returncode

    def poll(self) -> int | None:
        """Return the exit status, if it has ended."""
        try:
            return self.wait(0.0)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End it as `kill -9` does, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Leave it, which ends it."""
        self._connection.close()


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Call Snakemake or a script in a folder, and wait for it."""
    with (
        tempfile.TemporaryFile("w+") as said,
        tempfile.TemporaryFile("w+") as complained,
        open(os.devnull) as nothing,
    ):
        streams = [stream.fileno() for stream in (nothing, said, complained)]
        call = Running(command, folder, environment, streams)
        try:
            status = call.wait(timeout)
        finally:
            call.close()
        for stream in (said, complained):
            stream.seek(0)
        return subprocess.CompletedProcess(call.command, status, said.read(), complained.read())


def share() -> None:
    """Start the process now, for this one and all that it starts."""
    os.environ[SHARED] = _start()


@cache
def _socket() -> str:
    """The socket of the process that has imported all."""
    return os.environ.get(SHARED) or _start()


def _start() -> str:
    """Start the process, which ends with this one; return its socket, where calls may wait."""
    folder = Path(tempfile.mkdtemp(prefix="warm"))
    path = str(folder / "socket")
    interpreter = folder / "interpreter"  # the first line of a script must be short
    interpreter.symlink_to(Path(sys.executable).resolve())
    python = folder / "python"
    python.write_text(f"#!{interpreter} -IS\n{CLIENT.read_text()}")
    python.chmod(0o755)
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
    atexit.register(shutil.rmtree, folder)
    atexit.register(process.communicate)  # closes its stdin, and waits
    return path


@dataclass
class Fork:
    """A process at work: who waits for it, and the Snakemake whose job it is, if it is one."""

    connection: socket.socket
    is_script: bool
    call: int | None
    status: int | None = None


class Calls:
    """The processes at work."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.forks: dict[int, Fork] = {}
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
                    self.bury()
                else:
                    self.abandon(source)

    def begin(self, connection: socket.socket) -> None:
        """Let a fork do what is asked for."""
        line, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
        while not line.endswith(b"\n"):
            line += connection.recv(1 << 20)
        request = json.loads(line)
        call = request["environment"].get(CALL, "")
        child = os.fork()
        if not child:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self.selector.close()
            others = [fork.connection for fork in self.forks.values()]
            for other in (self.listener, self.ended, self.wakeup, connection, *others):
                other.close()
            _do(**request, streams=streams, folder_of_socket=Path(sys.argv[1]).parent)
        for stream in streams:
            os.close(stream)
        is_script = request["command"][0] != "snakemake"
        self.forks[child] = Fork(connection, is_script, int(call) if call else None)
        self.selector.register(connection, selectors.EVENT_READ)
        with contextlib.suppress(OSError):  # nobody waits any more
            connection.send(f"{child:{DIGITS}d}".encode())

    def bury(self) -> None:
        """Take note of what has ended. With a Snakemake end its jobs, as those do by themselves."""
        for child, fork in self.forks.items():
            if fork.status is None:
                ended, status = os.waitpid(child, os.WNOHANG)
                if ended:
                    fork.status = os.waitstatus_to_exitcode(status)
                    self.end_all(job for job, other in self.forks.items() if other.call == child)
        for child, fork in list(self.forks.items()):
            others = self.forks.values()
            works = any(other.call == child and other.status is None for other in others)
            if fork.status is not None and not works:
                self.answer(self.forks.pop(child))

    def answer(self, fork: Fork) -> None:
        """Tell the exit status."""
        with contextlib.suppress(KeyError):
            self.selector.unregister(fork.connection)
        with contextlib.suppress(OSError):
            fork.connection.send(str(fork.status).encode())
        fork.connection.close()

    def abandon(self, connection: object) -> None:
        """End what nobody waits for any more; a script outright, as what stood for it was ended."""
        for child, fork in self.forks.items():  # or it has just been answered
            if fork.connection is connection:
                self.selector.unregister(connection)
                if fork.status is None:
                    os.kill(child, signal.SIGKILL if fork.is_script else signal.SIGTERM)

    def end_all(self, children: Iterable[int]) -> None:
        for child in children:
            if self.forks[child].status is None:
                os.kill(child, signal.SIGTERM)


def _do(
    command: list[str],
    folder: str,
    session: bool,
    environment: dict[str, str],
    streams: list[int],
    folder_of_socket: Path,
) -> NoReturn:
    """Do what `python -m snakemake` or `python script` does, in the process that the fork made."""
    if session:
        os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.argv = command
    sys.executable = str(folder_of_socket / "python")  # what is started with it is a fork as well
    status: str | int | None = 0
    try:
        if command[0] == "snakemake":
            sys.path[0] = folder
            os.environ[CALL] = str(os.getpid())
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
        at_work = Calls(calls)
        try:
            at_work.serve()
        finally:
            at_work.end_all(at_work.forks)


if __name__ == "__main__":
    main(int(sys.argv[2]))
