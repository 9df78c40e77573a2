"""Stands for `python` where Snakemake starts a script: has `warm` run it, and waits.

`warm` writes a copy with a first line of its own beside its socket. It imports little, so it starts
in no time. Signals that it gets go on to the script.
"""

import json
import os
import signal
import socket
import sys

command = sys.argv[1:]
if command[0] == "-m":
    del command[0]
call = {"command": command, "folder": os.getcwd(), "session": False}
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(os.path.join(os.path.dirname(__file__), "socket"))
    request = json.dumps({**call, "environment": dict(os.environ)}).encode() + b"\n"
    socket.send_fds(connection, [request], [0, 1, 2])
    script = int(connection.recv(10, socket.MSG_WAITALL))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os.kill(script, number))
    status = int(connection.recv(100) or 1)
sys.exit(status if status >= 0 else 128 - status)
