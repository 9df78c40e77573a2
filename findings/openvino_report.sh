#!/bin/sh
# Does `import openvino` talk to the network?
#
# Guess, written down before the run: no. Importing a numerical library loads it, and nothing else. A
# package with a command to opt in and out sends something once somebody has opted in.
#
# Seen (openvino 2026.4.1, openvino-telemetry 2025.2.0, Python 3.11): the import itself reports an
# event to www.google-analytics.com, in a child process. Nobody is asked. A number of the user and a
# count of the imports are kept in ~/intel. `opt_in_out --opt_out` reports that too. A file
# ~/intel/openvino_telemetry that holds 0 keeps it quiet from the start, as does importing it without
# openvino_telemetry, for which OpenVINO has a stand-in.
#
# Here the report goes to a proxy of this script, which writes down the host and hangs up: nothing
# leaves the machine, and the home directory is a temporary one.
#
# Needs Python 3.11 or newer. Ends with 0 if all is as recorded, else with 1 and a line that says
# what changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  openvino==2026.4.1 openvino-telemetry==2025.2.0 numpy==2.4.6
cat >"$folder/listen.py" <<'PYTHON'
import os
import socket
import subprocess
import sys
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path

PYTHON, SCRIPTS = sys.executable, Path(sys.executable).parent
WITHOUT = "import sys; sys.modules['openvino_telemetry'] = None; import openvino"


def hosts_asked_for(command: list[str], home: Path) -> list[str]:
    """Run a command behind a proxy that hangs up; return the hosts that it was asked for."""
    asked = []

    def listen(server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(4096).split(b" ")[1].decode())

    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = f"http://127.0.0.1:{server.getsockname()[1]}"
        listener = threading.Thread(target=listen, args=(server,), daemon=True)
        listener.start()
        kept = {"PATH": os.environ["PATH"], "HOME": str(home)}
        environment = kept | {"HTTPS_PROXY": proxy, "https_proxy": proxy}
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
        server.shutdown(socket.SHUT_RDWR)
        listener.join(10)
    return sorted(set(asked))


print(f"openvino {version('openvino')}, openvino-telemetry {version('openvino-telemetry')}")
for title, before, command in (
    ("import openvino", "", [PYTHON, "-c", "import openvino"]),
    ("opt_in_out --opt_out", "", [str(SCRIPTS / "opt_in_out"), "--opt_out"]),
    ("import, 0 in ~/intel/openvino_telemetry", "0", [PYTHON, "-c", "import openvino"]),
    ("import without openvino_telemetry", "", [PYTHON, "-c", WITHOUT]),
):
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        if before:
            (home / "intel").mkdir()
            (home / "intel" / "openvino_telemetry").write_text(before)
        hosts = hosts_asked_for(command, home)
        kept = sorted(one.name for one in home.rglob("*") if one.is_file())
        print(f"{title}: asks for {hosts}, keeps {kept}")
PYTHON
"$folder/venv/bin/python" "$folder/listen.py" | tee "$folder/seen"
host="'www.google-analytics.com:443'"
if grep -qF "import openvino: asks for [$host], keeps ['openvino_ga_cid', 'stats']" "$folder/seen" &&
  grep -qF "opt_in_out --opt_out: asks for [$host]" "$folder/seen" &&
  grep -qF "openvino_telemetry: asks for [], keeps ['openvino_telemetry']" "$folder/seen" &&
  grep -qF "import without openvino_telemetry: asks for [], keeps []" "$folder/seen"; then
  echo "as recorded"
else
  echo "CHANGED: recorded a report of the import and of opting out, and none of the other two"
  exit 1
fi
