"""Fetch the measured scan of `studies/siemens_star.yaml`: an X-ray scan of a Siemens star.

    python workflow/fetch_siemens_star.py scans/siemens_star.npz

The scan lies in the source distribution of tike 0.26.0 (UChicago Argonne, LLC; open-source BSD
licence), which pip downloads. The file is written as it lies there, once its checksum is right.
"""

import bz2
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from ptychopareto.files import atomic

PACKAGE = "tike==0.26.0"
MEMBER = "tike-0.26.0/tests/data/siemens-star-small.npz.bz2"
SHA256 = "bf2ee08ad6576922c972eb805b51699c0840e3be3d13e59ffc2005d1ddcf0537"


def fetch(path: Path) -> None:
    """Write the scan to a path, whole or not at all.

    Raises
    ------
    SystemExit
        Pip cannot download the package, or the file in it is another one; in one line.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--no-binary", "tike", "--dest", folder, PACKAGE]
        done = subprocess.run(command, capture_output=True, text=True)
        found = next(Path(folder).glob("tike-*.tar.gz"), None)
        if done.returncode or found is None:
            last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
            sys.exit(
                f"{path}: pip cannot download {PACKAGE}, which holds the scan ({last}); put "
                f"{MEMBER.rpartition('/')[2]} of its source distribution there, unpacked"
            )
        with tarfile.open(found) as archive:
            member = archive.extractfile(MEMBER)
            content = b"" if member is None else bz2.decompress(member.read())
    checksum = hashlib.sha256(content).hexdigest()
    if checksum != SHA256:
        sys.exit(f"{path}: the scan of {PACKAGE} has the SHA-256 {checksum}; {SHA256} is wanted")
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary:
        temporary.write_bytes(content)
    print(f"{path}: {len(content) / 1e6:.0f} MB, a measured scan from {PACKAGE} (BSD licence)")


if __name__ == "__main__":
    fetch(Path(sys.argv[1]))
