"""From patterns to one object: predict, stitch, and the classical rPIE engine."""
