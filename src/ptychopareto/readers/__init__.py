"""Readers of measured scans: one file a format, recognised by what a file holds.

A format is one module of this room and one line of the registry.
"""

from ptychopareto.readers.measured_scan import Frames, MeasuredScan
from ptychopareto.readers.registry import FORMATS, read_scan

__all__ = ["FORMATS", "Frames", "MeasuredScan", "read_scan"]
