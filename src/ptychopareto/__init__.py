"""Which neural operator should reconstruct my ptychography scan, and what does each step cost?

The modules are folded the way the data flows, and imports only ever point to the left:

config, files → physics → models → learning → reconstruction → assessment → study → pictures
"""

__version__ = "0.1.0"
