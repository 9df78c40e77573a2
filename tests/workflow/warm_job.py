"""Stands for `python` where Snakemake starts a script: has `warm` run it, and waits.

Called as `python -I -S warm_job.py SOCKET SCRIPT`: it imports little, so it starts in no time.
"""

import json
import os
import socket
import sys

path, *command = sys.argv[1:]
call = {"command": command, "folder": os.getcwd(), "environment": dict(os.environ)}
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(path)
    socket.send_fds(connection, [json.dumps(call).encode() + b"\n"], [0, 1, 2])
    status = int(connection.recv(100) or 1)
sys.exit(status if status >= 0 else 128 - status)
