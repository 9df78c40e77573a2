"""Reading and writing: whole or not at all, checked, and never by pickle.

What is written appears under its name only once it is complete. What is read may come from
elsewhere, so it is checked to the last value before anything is computed from it; a file that
will not do is refused in one line.
"""

from ptychopareto.files.errors import FileError, shortened
from ptychopareto.files.images import (
    read_further_modes,
    read_given_objects,
    read_objects,
    read_probe,
    read_reconstruction,
)
from ptychopareto.files.made_from import read_made_from
from ptychopareto.files.npz import read_npz
from ptychopareto.files.scan import Dataset
from ptychopareto.files.scan_reader import read_dataset, read_pattern_size
from ptychopareto.files.scan_writer import write_dataset
from ptychopareto.files.stored import StoredArray, StoredPatterns
from ptychopareto.files.text import parse_json, read_csv, read_json
from ptychopareto.files.writing import atomic, write_csv, write_json, write_npz

__all__ = [
    "Dataset",
    "FileError",
    "StoredArray",
    "StoredPatterns",
    "atomic",
    "parse_json",
    "read_csv",
    "read_dataset",
    "read_further_modes",
    "read_given_objects",
    "read_json",
    "read_made_from",
    "read_npz",
    "read_objects",
    "read_pattern_size",
    "read_probe",
    "read_reconstruction",
    "shortened",
    "write_csv",
    "write_dataset",
    "write_json",
    "write_npz",
]
