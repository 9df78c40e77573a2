"""Speed measurements: `make bench`, or `python -m benchmarks PART …` for some of its parts."""
