"""The command `ptycho-pareto`: scans and networks at the beamline, outside any study.

Each file `command/NAME.py` that `main.SUBCOMMANDS` names is the subcommand NAME.
"""
