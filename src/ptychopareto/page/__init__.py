"""The page of a study: plot, table and pictures in one HTML file that needs nothing else."""

from ptychopareto.page.document import build, write

__all__ = ["build", "write"]
