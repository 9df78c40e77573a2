"""Which neural operator should reconstruct a ptychography scan, and what each step costs.

The packages are folded the way the data flows, and imports only ever point to the left:

config → files → physics, readers, writers, models → export → study → reconstruction, preparation,
learning → assessment → pictures → page, following → command
"""

__version__ = "0.1.0"
