"""Readers of measured scans: one module for each format; what a file holds tells its format.

A format is one module of this package and one line of the registry.
"""

from ptychopareto.readers.measured_scan import Frames, MeasuredScan
from ptychopareto.readers.registry import FORMATS, read_scan

__all__ = ["FORMATS", "Frames", "MeasuredScan", "read_scan"]
