"""The study as a whole: from the grid to its runs, from their results to a table and a front."""
