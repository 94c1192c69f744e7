"""Run Python programs as processes of their own without importing torch again for each.

A program, not a test. `warm.py serve SOCKET` imports Oreline and what it uses once and then forks a process for every client;
`python -IS warm.py run SOCKET ARGUMENTS…` stands for `python ARGUMENTS…`: the forked process has the client's folder,
environment, standard streams and arguments (`-c CODE …`, `-m MODULE …` or a file), ends as a process ends that runs them,
and the client exits as it did. The process has an id of its own, which a test kills it by. What forked processes share
with one another and real ones do not: what is imported, and the seed of Python's hashes.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import traceback
import types
from typing import NoReturn

IMPORTED = ("transformers.models.bert.modeling_bert", "sklearn.linear_model", "onnxruntime")
"""What takes long to import, besides all modules of Oreline; of what a program does not use, it sees nothing."""
COLD = ("oreline.__main__", "oreline.engines.ray", "oreline.train.trackers.")
"""Modules of Oreline that few programs use and that take long."""


def heat() -> None:
    """Import what programs use, and read the dictionary of Chinese words: each would take a second or more for it."""
    import pkgutil

    gc.disable()  # nothing of this is garbage
    for name in IMPORTED:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(importlib.import_module("oreline").__path__, "oreline."):
        if not module.name.startswith(COLD):
            importlib.import_module(module.name)
    importlib.import_module("oreline.data.texts.segmenter").segmenter()
    gc.freeze()  # what a forked process looks through for garbage, it copies


def serve(path: str) -> list[str]:
    """Fork a process for every client until standard input ends; returns in that process alone, with its arguments."""
    heat()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the processes that wait for the programs
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{path}.new")
        listener.listen()
        os.rename(f"{path}.new", path)  # whoever sees the socket may connect
        while True:
            if sys.stdin in select.select([listener, sys.stdin], [], [])[0]:
                os.killpg(0, signal.SIGKILL)  # the end of whoever started it is the end of all that it runs
            client, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                return attend(client)
            client.close()


def attend(client: socket.socket) -> list[str]:
    """Fork the program's process, and return in it; in this one, wait for its end, tell the client and exit."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with client.makefile("rb") as stream:
        _, streams, _, _ = socket.recv_fds(client, 1, 3)
        asked = json.loads(stream.readline())
    program = os.fork()
    if program:
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(program, 0)
        with contextlib.suppress(OSError):  # nobody may be there to hear of it any more
            client.sendall(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    client.close()
    gc.enable()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.modules["numpy"].random.seed()  # a process's own, as in one that has just imported it
    return asked["arguments"]


def execute(arguments: list[str]) -> None:
    """Run what `python ARGUMENTS…` runs."""
    how, *rest = arguments
    if how == "-c":
        code, *rest = rest
        sys.argv, sys.path[0] = ["-c", *rest], ""
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(code, "<string>", "exec"), main.__dict__)
    elif how == "-m":
        sys.argv, sys.path[0] = rest, os.getcwd()
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[0] = arguments, os.path.dirname(how)
        runpy.run_path(how, run_name="__main__")


def ended(arguments: list[str]) -> NoReturn:
    """Run a program and end as Python ends, without the C++ destructors that wait for threads of the server."""
    status: object = 0
    try:
        execute(arguments)
    except SystemExit as leaving:
        status = leaving.code or 0
        if not isinstance(status, int):
            print(status, file=sys.stderr)
            status = 1
    except BaseException:
        traceback.print_exc()
        status = 1
    threading._shutdown()  # waits for the program's own threads
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def run(path: str, arguments: list[str]) -> int:
    """Have a program run by the server; returns its exit status, 128 and the signal where one ended it."""
    asked = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        socket.send_fds(server, [b"s"], [0, 1, 2])
        server.sendall(json.dumps(asked).encode() + b"\n")
        status = int(server.recv(16))
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    if sys.argv[1] == "run":
        sys.exit(run(sys.argv[2], sys.argv[3:]))
    ended(serve(sys.argv[2]))
